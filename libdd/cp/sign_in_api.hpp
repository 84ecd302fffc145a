// GET and POST /auth/pat, /auth/link, /auth/logout: the ways into our own pages that need nobody else, and the way out.
#pragma once

#include "libdd/cp/people.hpp"
#include "libdd/identity/failure_limit.hpp"
#include "libdd/identity/sign_in_links.hpp"
#include "libdd/net/form.hpp"

namespace dd::cp {

class SignInApi {
 public:
  SignInApi(Context& context, People& people, identity::FailureLimit& failures)
      : context_(context), people_(people), failures_(failures) {}
  void add_routes(net::Router& router);

 private:
  [[nodiscard]] net::ServerResponse form_page(const net::ServerRequest& request) const;
  net::Task<Result<net::ServerResponse>> by_pat(const net::ServerRequest& request);
  net::Task<Result<net::ServerResponse>> make_link(const net::ServerRequest& request);
  net::Task<Result<net::ServerResponse>> by_link(const net::ServerRequest& request);
  net::Task<Result<net::ServerResponse>> logout(const net::ServerRequest& request);

  /// Signs in and goes on to `next`, or shows the form with what went wrong.
  net::Task<Result<net::ServerResponse>> welcome(const net::ServerRequest& request, identity::SignInGrounds grounds,
                                                 std::string next);
  [[nodiscard]] net::ServerResponse refuse(const Error& why, std::string next) const;
  /// What a form of ours says, and by whom it was sent. Errors: permission_denied for another page's, unsupported, malformed.
  [[nodiscard]] Result<net::Form> form_in(const net::ServerRequest& request) const;
  [[nodiscard]] bool offers_github() const { return !context_.options.github_client_id.empty(); }

  Context& context_;
  People& people_;
  identity::FailureLimit& failures_;
  identity::SignInLinks links_{context_.random};
};

}  // namespace dd::cp
