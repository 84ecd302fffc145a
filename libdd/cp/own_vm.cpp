#include "libdd/cp/own_vm.hpp"

#include <nlohmann/json.hpp>

#include "libdd/core/json.hpp"
#include "libdd/net/url.hpp"
#include "libdd/protocol/fleet.hpp"
#include "libdd/web/terminal_page.hpp"
#include "libdd/web/workload_page.hpp"

namespace dd::cp {
namespace {

constexpr std::int64_t kShownLines = 500;
constexpr const char* kHome = "/agent/control-plane";
constexpr const char* kLogPages = "/agent/control-plane/logs/";
constexpr const char* kList = "/api/control-plane/deployments";
constexpr const char* kLogs = "/api/control-plane/logs/";
constexpr const char* kShell = "/cp/shell";
constexpr const char* kTicket = "/cp/shell/ticket";
constexpr const char* kSocket = "/cp/ws/shell";
constexpr const char* kApp = "{app}";

std::string vm_name(const Context& context) { return "dd-" + context.options.env + "-cp"; }

enclave_client::TerminalOptions terminals_of(Context& context, People& people) {
  enclave_client::TerminalOptions options;
  options.ticket_path = kTicket;
  options.socket_path = kSocket;
  options.vm_name = vm_name(context);
  options.attestation = [&context] { return context.attestation_type; };
  options.authenticate = people.owner_only();
  return options;
}

net::ServerResponse not_possible(const Error& why) {
  return web::answer(web::message_page(http_status(why.code), "Not possible", why.message));
}

}  // namespace

OwnVm::OwnVm(Context& context, People& people)
    : context_(context),
      people_(people),
      runtime_(context.executor, context.options.enclave_socket, context.options.enclave_token),
      terminals_(context.executor, runtime_, context.clock, context.random, terminals_of(context, people)) {}

void OwnVm::add_routes(net::Router& router) {
  router.add("GET", kHome, [this](const net::ServerRequest& request) { return home(request); });
  if (context_.options.enclave_token.empty()) return;
  router.add("GET", std::string(kLogPages) + kApp,
             [this](const net::ServerRequest& request) { return log_page(request); });
  router.add("GET", kShell, [this](const net::ServerRequest& request) { return terminal(request); });
  terminals_.add_to(router);
  net::RouteOptions owner;
  owner.authenticate = people_.owner_only();
  router.add("GET", kList, [this](const net::ServerRequest&) { return deployments(); }, owner);
  router.add(
      "GET", std::string(kLogs) + kApp, [this](const net::ServerRequest& request) { return log(request); }, owner);
}

net::Task<Result<net::ServerResponse>> OwnVm::home(const net::ServerRequest& request) {
  const auto visitor = co_await people_.who(request.method, request.headers, request.client);
  if (!visitor) co_return people_.turn_away(request, visitor.error());
  if (context_.options.enclave_token.empty())
    co_return web::answer(
        web::message_page(404, "Not here",
                          "This control plane may not use the runtime of its VM: \"inherit_token\": true in its boot "
                          "workload lets it."));
  const auto all = co_await runtime_.list();
  if (!all) co_return not_possible(all.error());
  web::AgentHome view;
  view.person = visitor->person.login;
  view.vm_name = vm_name(context_);
  view.agent_id = "control plane";
  view.integrity = is_simulated() ? "simulated" : "attested";
  view.places = {kList, kLogPages, true};
  view.terminal = kShell;
  for (const auto& info : *all) view.workloads.push_back(web::row_of(info));
  co_return web::answer(web::workloads_page(view));
}

net::Task<Result<net::ServerResponse>> OwnVm::log_page(const net::ServerRequest& request) {
  const auto visitor = co_await people_.who(request.method, request.headers, request.client);
  if (!visitor) co_return people_.turn_away(request, visitor.error());
  const auto info = co_await runtime_.find(request.params.at(0));
  if (!info) co_return not_possible(info.error());
  auto lines = co_await runtime_.logs(info->id, kShownLines, std::nullopt);
  web::WorkloadView view;
  view.person = visitor->person.login;
  view.simulated = is_simulated();
  view.workload = web::row_of(*info);
  view.lines = lines ? std::move(lines->lines) : std::vector<std::string>{lines.error().message};
  view.home = kHome;
  view.log = kLogs + net::percent_encode(info->app_name);
  co_return web::answer(web::workload_page(view));
}

net::Task<Result<net::ServerResponse>> OwnVm::terminal(const net::ServerRequest& request) {
  const auto visitor = co_await people_.who(request.method, request.headers, request.client);
  if (!visitor) co_return people_.turn_away(request, visitor.error());
  web::TerminalView view;
  view.person = visitor->person.login;
  view.simulated = is_simulated();
  view.title = vm_name(context_);
  view.ticket_path = kTicket;
  view.socket_path = kSocket;
  view.home = kHome;
  co_return web::answer(web::terminal_page(view, context_.random));
}

net::Task<Result<net::ServerResponse>> OwnVm::deployments() {
  auto all = co_await runtime_.list();
  if (!all) co_return tl::unexpected(all.error());
  const protocol::DeploymentsAnswer answer{*std::move(all)};
  co_return net::json_response(to_text(protocol::to_json_value(answer)));
}

net::Task<Result<net::ServerResponse>> OwnVm::log(const net::ServerRequest& request) {
  auto info = co_await runtime_.find(request.params.at(0));
  if (!info) co_return tl::unexpected(info.error());
  const auto answer = co_await runtime_.log_of(*std::move(info), kShownLines, std::nullopt);
  if (!answer) co_return tl::unexpected(answer.error());
  co_return net::json_response(to_text(protocol::to_json_value(*answer)));
}

}  // namespace dd::cp
