#include "libdd/local/edge.hpp"

#include <optional>

#include "libdd/local/edge_api.hpp"
#include "libdd/local/edge_proxy.hpp"
#include "libdd/local/edge_reverse.hpp"
#include "libdd/local/edge_state.hpp"

namespace dd::local {

struct Edge::Impl {
  Impl(asio::any_io_executor e, EdgeOptions o) : executor(std::move(e)), options(std::move(o)) {}

  asio::any_io_executor executor;
  EdgeOptions options;
  std::optional<EdgeState> state;
  std::optional<EdgeReverse> reverse;
  std::optional<EdgeApi> api;
  std::optional<EdgeProxy> proxy;
  std::optional<net::HttpServer> server;
};

Edge::Edge(asio::any_io_executor executor, EdgeOptions options)
    : impl_(std::make_unique<Impl>(std::move(executor), std::move(options))) {}

Edge::~Edge() = default;

Result<void> Edge::start() {
  auto& impl = *impl_;
  // The run token names the reverse listener, so that one is bound before the state that makes tokens knows its port.
  impl.state.emplace(impl.options.account, impl.options.zones);
  impl.reverse.emplace(impl.executor, *impl.state);
  if (auto bound = impl.reverse->start(0); !bound) return bound;
  impl.state->set_reverse_endpoint("127.0.0.1:" + std::to_string(impl.reverse->port()));
  impl.proxy.emplace(impl.executor, *impl.state, *impl.reverse);
  if (auto bound = impl.proxy->start(impl.options.public_port); !bound) return bound;
  impl.api.emplace(*impl.state, *impl.reverse, impl.options.api_token);
  net::Router router;
  impl.api->add_routes(router);
  net::HttpServerOptions listener;
  impl.server.emplace(impl.executor, std::move(router), listener);
  return impl.server->start();
}

std::uint16_t Edge::public_port() const { return impl_->proxy->port(); }

std::uint16_t Edge::api_port() const { return impl_->server->port(); }

std::string Edge::api_url() const { return "http://127.0.0.1:" + std::to_string(api_port()) + "/client/v4"; }

net::Task<void> Edge::stop() {
  const std::chrono::milliseconds grace(500);
  if (impl_->proxy) impl_->proxy->stop();
  if (impl_->reverse) impl_->reverse->stop();
  if (impl_->server) co_await impl_->server->stop(grace);
}

Faults& Edge::faults() noexcept { return impl_->api->faults(); }

}  // namespace dd::local
