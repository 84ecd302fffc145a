// GET /auth/github/start and /auth/github/callback: signing in at GitHub, where an app is set up.
#pragma once

#include "libdd/cp/people.hpp"
#include "libdd/identity/failure_limit.hpp"
#include "libdd/identity/github_oauth.hpp"

namespace dd::cp {

class GithubSignIn {
 public:
  GithubSignIn(Context& context, People& people, identity::FailureLimit& failures,
               std::shared_ptr<HttpTransport> transport);
  /// None without a client id.
  void add_routes(net::Router& router);

 private:
  net::Task<Result<net::ServerResponse>> start(const net::ServerRequest& request);
  net::Task<Result<net::ServerResponse>> callback(const net::ServerRequest& request);
  net::Task<Result<net::ServerResponse>> sign_in(const net::ServerRequest& request);

  Context& context_;
  People& people_;
  identity::FailureLimit& failures_;
  identity::GithubOauth github_;
};

}  // namespace dd::cp
