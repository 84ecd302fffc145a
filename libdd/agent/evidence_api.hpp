// GET /attest: fresh evidence over the caller's nonce, bound by its own tag. Never over report data that a caller chooses.
#pragma once

#include "libdd/agent/context.hpp"
#include "libdd/net/http_server.hpp"

namespace dd::agent {

class EvidenceApi {
 public:
  explicit EvidenceApi(Context& context) : context_(context) {}
  void add_routes(net::Router& router);

 private:
  net::Task<Result<net::ServerResponse>> attest(const net::ServerRequest& request);

  Context& context_;
};

}  // namespace dd::agent
