// The part of Cloudflare's REST API that a tunnel client uses, with its envelope, error codes and paging.
#pragma once

#include "dd/secret.hpp"
#include "libdd/local/edge_reverse.hpp"
#include "libdd/local/edge_state.hpp"
#include "libdd/local/faults.hpp"
#include "libdd/net/http_server.hpp"

namespace dd::local {

class EdgeApi {
 public:
  EdgeApi(EdgeState& state, EdgeReverse& reverse, Secret token)
      : state_(state), reverse_(reverse), token_(std::move(token)) {}
  void add_routes(net::Router& router);
  [[nodiscard]] Faults& faults() noexcept { return faults_; }

 private:
  using Answer = Result<net::ServerResponse>;
  using Call = net::Task<Answer> (EdgeApi::*)(const net::ServerRequest&);

  void add(net::Router& router, const char* method, const std::string& pattern, Call call);
  net::Task<Answer> guarded(const net::ServerRequest& request, Call call);

  net::Task<Answer> create_tunnel(const net::ServerRequest& request);
  net::Task<Answer> list_tunnels(const net::ServerRequest& request);
  net::Task<Answer> get_tunnel(const net::ServerRequest& request);
  net::Task<Answer> delete_tunnel(const net::ServerRequest& request);
  net::Task<Answer> get_token(const net::ServerRequest& request);
  net::Task<Answer> delete_connections(const net::ServerRequest& request);
  net::Task<Answer> get_configuration(const net::ServerRequest& request);
  net::Task<Answer> put_configuration(const net::ServerRequest& request);

  net::Task<Answer> list_records(const net::ServerRequest& request);
  net::Task<Answer> create_record(const net::ServerRequest& request);
  net::Task<Answer> put_record(const net::ServerRequest& request);
  net::Task<Answer> delete_record(const net::ServerRequest& request);

  net::Task<Answer> verify_token(const net::ServerRequest& request);
  net::Task<Answer> show_state(const net::ServerRequest& request);
  net::Task<Answer> order_lateness(const net::ServerRequest& request);
  net::Task<Answer> order_faults(const net::ServerRequest& request);

  [[nodiscard]] nlohmann::json tunnel_json(const EdgeTunnel& tunnel) const;

  EdgeState& state_;
  EdgeReverse& reverse_;
  Secret token_;
  Faults faults_;
};

}  // namespace dd::local
