#include "libdd/agent/pages.hpp"

#include <nlohmann/json.hpp>

#include "libdd/agent/owner_auth.hpp"
#include "libdd/core/json.hpp"
#include "libdd/net/url.hpp"
#include "libdd/protocol/fleet.hpp"
#include "libdd/web/static_files.hpp"
#include "libdd/web/terminal_page.hpp"

namespace dd::agent {
namespace {

constexpr std::int64_t kShownLines = 500;

}  // namespace

void Pages::add_routes(net::Router& router) {
  net::RouteOptions owner;
  owner.authenticate = owner_only(context_);
  router.add("GET", "/", [this](const net::ServerRequest& request) { return home(request); });
  router.add("GET", "/workload/{id}", [this](const net::ServerRequest& request) { return workload(request); });
  router.add(
      "GET", "/workload/{id}/logs", [this](const net::ServerRequest& request) { return workload_logs(request); },
      owner);
  router.add("GET", "/session/{app}", [this](const net::ServerRequest& request) { return terminal(request); });
  web::add_static_routes(router);
}

web::WorkloadRow Pages::row_of(const DeploymentInfo& info) const {
  auto row = web::row_of(info);
  row.urls = exposer_.urls_of(info);
  return row;
}

net::Task<Result<DeploymentInfo>> Pages::find(std::string id) {
  auto all = co_await context_.runtime.list();
  if (!all) co_return tl::unexpected(all.error());
  for (auto& info : *all)
    if (info.id == id) co_return std::move(info);
  co_return fail(ErrorCode::not_found, "cannot find workload " + id);
}

net::Task<Result<net::ServerResponse>> Pages::home(const net::ServerRequest& request) {
  const auto visitor = co_await who(context_, request.method, request.headers, request.client);
  if (!visitor) co_return sign_ins_.turn_away(request, visitor.error());
  auto all = co_await context_.runtime.list();
  if (!all)
    co_return web::answer(web::message_page(http_status(all.error().code), "Not possible", all.error().message));
  web::AgentHome view;
  view.person = visitor->login;
  view.vm_name = context_.options.vm_name;
  view.agent_id = context_.state.membership ? context_.state.membership->agent_id : "not registered";
  view.integrity = is_simulated() ? "simulated" : context_.state.membership ? "attested" : "unregistered";
  view.control_plane = context_.cp_origin;
  for (const auto& info : *all) view.workloads.push_back(row_of(info));
  co_return web::answer(web::workloads_page(view));
}

net::Task<Result<net::ServerResponse>> Pages::workload(const net::ServerRequest& request) {
  const auto visitor = co_await who(context_, request.method, request.headers, request.client);
  if (!visitor) co_return sign_ins_.turn_away(request, visitor.error());
  const auto info = co_await find(request.params.at(0));
  if (!info)
    co_return web::answer(web::message_page(http_status(info.error().code), "No such workload", info.error().message));
  auto log = co_await context_.runtime.logs(info->id, kShownLines, std::nullopt);
  web::WorkloadView view;
  view.person = visitor->login;
  view.simulated = is_simulated();
  view.workload = row_of(*info);
  view.log = "/workload/" + net::percent_encode(info->id) + "/logs";
  view.terminal = "/session/" + net::percent_encode(info->app_name);
  view.lines = log ? std::move(log->lines) : std::vector<std::string>{log.error().message};
  co_return web::answer(web::workload_page(view));
}

net::Task<Result<net::ServerResponse>> Pages::workload_logs(const net::ServerRequest& request) {
  auto info = co_await find(request.params.at(0));
  if (!info) co_return tl::unexpected(info.error());
  const auto answer = co_await context_.runtime.log_of(*std::move(info), kShownLines, std::nullopt);
  if (!answer) co_return tl::unexpected(answer.error());
  co_return net::json_response(to_text(protocol::to_json_value(*answer)));
}

net::Task<Result<net::ServerResponse>> Pages::terminal(const net::ServerRequest& request) {
  const auto visitor = co_await who(context_, request.method, request.headers, request.client);
  if (!visitor) co_return sign_ins_.turn_away(request, visitor.error());
  web::TerminalView view;
  view.person = visitor->login;
  view.simulated = is_simulated();
  const auto app_name = request.params.at(0);
  const auto path = net::percent_encode(app_name);
  view.title = app_name;
  view.ticket_path = "/session/" + path + "/ticket";
  view.socket_path = "/ws/session/" + path;
  view.instead = "ddctl shell " + app_name;
  co_return web::answer(web::terminal_page(view, context_.random));
}

}  // namespace dd::agent
