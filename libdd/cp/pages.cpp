#include "libdd/cp/pages.hpp"

#include <algorithm>

#include "libdd/cp/fleet_view.hpp"
#include "libdd/web/static_files.hpp"

namespace dd::cp {

void Pages::add_routes(net::Router& router) {
  router.add("GET", "/", [this](const net::ServerRequest& request) { return fleet(request); });
  router.add("GET", "/agent/{id}", [this](const net::ServerRequest& request) { return agent(request); });
  web::add_static_routes(router);
}

web::FleetBanner Pages::banner() const { return {context_.options.accept_simulated, context_.policy.is_tofu()}; }

net::Task<Result<net::ServerResponse>> Pages::fleet(const net::ServerRequest& request) {
  const auto visitor = co_await people_.who(request.method, request.headers, request.client);
  if (!visitor) co_return people_.turn_away(request, visitor.error());
  web::FleetView view;
  view.person = visitor->person.login;
  view.env = context_.options.env;
  view.banner = banner();
  for (const auto& record : context_.store.all())
    view.agents.push_back(row_of(record, context_.agent_url(record.hostname) + "/"));
  co_return web::answer(web::fleet_page(view));
}

net::Task<Result<net::ServerResponse>> Pages::agent(const net::ServerRequest& request) {
  const auto visitor = co_await people_.who(request.method, request.headers, request.client);
  if (!visitor) co_return people_.turn_away(request, visitor.error());
  const auto* record = context_.store.find(request.params.at(0));
  if (record == nullptr)
    co_return web::answer(web::message_page(404, "No such agent", "There is no agent " + request.params.at(0) + "."));
  web::AgentView view;
  view.person = visitor->person.login;
  view.banner = banner();
  view.agent = row_of(*record, context_.agent_url(record->hostname) + "/");
  view.registered_at = time_text(record->registered_at);
  view.last_seen = time_text(record->last_seen);
  view.kid = record->compat ? std::string() : record->signing_key.kid();
  view.mrtd = to_hex(record->pins.report.mrtd);
  view.rules = rules_of(*record);
  for (const auto& hostname : context_.provisioner.extra_hostnames(*record).value_or(std::vector<std::string>()))
    view.workload_urls.push_back(context_.agent_url(hostname) + "/");
  co_return web::answer(web::agent_page(view));
}

}  // namespace dd::cp
