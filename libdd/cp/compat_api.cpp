#include "libdd/cp/compat_api.hpp"

#include <nlohmann/json.hpp>

#include "libdd/core/json.hpp"
#include "libdd/core/rfc3339.hpp"
#include "libdd/cp/owner_route.hpp"

namespace dd::cp {
namespace {

std::string seed_status(AgentStatus status) {
  if (status == AgentStatus::healthy) return "healthy";
  return is_live(status) ? "stale" : "dead";
}

net::ServerResponse seed_answer(const Error& error) {
  auto spelled = protocol::seed_error(error);
  return net::json_response(std::move(spelled.body), spelled.status);
}

}  // namespace

net::Router CompatApi::routes() {
  net::Router router;
  registrar_.add_routes(router);
  router.add("GET", "/health", [this](const net::ServerRequest&) { return health(); });
  router.add("GET", "/api/agents", [this](const net::ServerRequest&) { return agents(); }, owner_route(context_));
  return router;
}

net::HttpServerOptions CompatApi::listener() const {
  net::HttpServerOptions options;
  options.address = context_.options.address;
  options.port = context_.options.compat_port;
  options.listen_fds = context_.options.listen_fds.named("compat");
  options.render_error = seed_answer;
  return options;
}

net::Task<Result<net::ServerResponse>> CompatApi::health() {
  // That system counts the control plane among the agents.
  std::int64_t agents = 1;
  std::int64_t healthy = 1;
  for (const auto& record : context_.store.all()) {
    agents += is_live(record.status) ? 1 : 0;
    healthy += record.status == AgentStatus::healthy ? 1 : 0;
  }
  const auto up = std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - started_);
  const Json answer = {{"ok", true},
                       {"service", "cp"},
                       {"hostname", context_.options.hostname},
                       {"env", context_.options.env},
                       {"uptime_secs", up.count()},
                       {"agent_count", agents},
                       {"healthy_count", healthy}};
  co_return net::json_response(to_text(answer));
}

net::Task<Result<net::ServerResponse>> CompatApi::agents() {
  const auto& options = context_.options;
  const protocol::SeedAgent self{"control-plane", "dd-" + options.env + "-cp", options.hostname, "healthy",
                                 to_rfc3339(context_.clock.unix_seconds())};
  Json list = Json::array();
  list.push_back(protocol::to_json_value(self));
  for (const auto& record : context_.store.all()) {
    if (!is_live(record.status)) continue;
    const protocol::SeedAgent row{record.agent_id, record.vm_name, record.hostname, seed_status(record.status),
                                  to_rfc3339(record.last_seen)};
    list.push_back(protocol::to_json_value(row));
  }
  co_return net::json_response(to_text(list));
}

}  // namespace dd::cp
