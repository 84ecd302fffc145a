#include "libdd/agent/session_api.hpp"

#include <nlohmann/json.hpp>

#include "dd/log.hpp"
#include "libdd/agent/owner_auth.hpp"
#include "libdd/agent/terminal_bridge.hpp"
#include "libdd/core/decimal.hpp"
#include "libdd/core/json.hpp"
#include "libdd/protocol/exec.hpp"

namespace dd::agent {
namespace {

using protocol::WindowSize;

constexpr std::size_t kMaxRequest = 256 * 1024;
// Behind the longest timeout: the runtime then says that it was exceeded.
constexpr std::chrono::minutes kExecMargin{2};
// A paste; browsers cut longer ones.
constexpr std::size_t kMaxMessage = 64 * 1024;

std::uint16_t side(const net::ServerRequest& request, const char* name, std::uint16_t otherwise) {
  const auto number = decimal<std::uint16_t>(request.query_value(name).value_or(""));
  return number && *number >= 1 && *number <= WindowSize::kMaxWindow ? *number : otherwise;
}

// One that is not there, or is none, is corrected by the first resize.
WindowSize first_size(const net::ServerRequest& request) {
  const WindowSize usual;
  return {side(request, "cols", usual.cols), side(request, "rows", usual.rows)};
}

}  // namespace

void SessionApi::add_routes(net::Router& router) {
  net::RouteOptions owner;
  owner.authenticate = owner_only(context_);
  router.add(
      "POST", "/session/{app}/ticket", [this](const net::ServerRequest& request) { return ticket(request); }, owner);
  owner.max_body = kMaxRequest;
  owner.handler_deadline = protocol::ExecRequest::kMaxTimeout + kExecMargin;
  router.add("POST", "/exec", [this](const net::ServerRequest& request) { return exec(request); }, owner);

  net::RouteOptions terminal;
  terminal.max_body = kMaxMessage;
  terminal.authenticate = [this, otherwise = owner_only(context_)](const net::ServerRequest& request) {
    return admit(request, otherwise);
  };
  router.add_web_socket(
      "/ws/session/{app}",
      [this](std::shared_ptr<net::WebSocket> socket, const net::ServerRequest& request) {
        return talk(std::move(socket), request);
      },
      terminal);
}

net::Task<Result<net::ServerResponse>> SessionApi::exec(const net::ServerRequest& request) {
  const auto body = parse_json(request.body);
  if (!body) co_return wrap(body.error(), "cannot exec");
  auto wanted = protocol::exec_request_from(*body);
  if (!wanted) co_return tl::unexpected(wanted.error());
  log::info("exec", {{"app", wanted->app_name}, {"by", request.principal}, {"program", wanted->cmd.front()}});
  const auto answer = co_await context_.runtime.exec(*std::move(wanted));
  if (!answer) co_return tl::unexpected(answer.error());
  co_return net::json_response(to_text(protocol::to_json_value(*answer)));
}

net::Task<Result<net::ServerResponse>> SessionApi::ticket(const net::ServerRequest& request) {
  const auto issued = tickets_.issue(request.params.at(0), request.principal);
  if (!issued) co_return tl::unexpected(issued.error());
  const Json answer = {{"ticket", *issued}, {"expires_in", Tickets::kLife.count()}};
  co_return net::json_response(to_text(answer));
}

net::Task<Result<std::string>> SessionApi::admit(const net::ServerRequest& request, net::Authenticate otherwise) {
  if (const auto given = request.query_value("ticket")) co_return tickets_.spend(*given, request.params.at(0));
  if (request.headers.find("Authorization") == nullptr)
    co_return fail(ErrorCode::unauthenticated, "cannot open a terminal: want a ticket, or Authorization");
  auto task = otherwise(request);
  auto principal = co_await std::move(task);
  co_return principal;
}

net::Task<void> SessionApi::talk(std::shared_ptr<net::WebSocket> socket, const net::ServerRequest& request) {
  const auto app_name = request.params.at(0);
  const Json banner = {
      {"type", "banner"}, {"vm_name", context_.options.vm_name}, {"attestation", context_.state.keys.attestation_type}};
  const bool greeted = co_await socket->write(net::WebSocket::Kind::text, to_text(banner));
  if (!greeted) co_return;
  const auto size = first_size(request);
  const auto terminal = co_await context_.runtime.attach(app_name, size);
  if (!terminal) {
    const Json refusal = {{"type", "error"}, {"message", terminal.error().message}};
    const bool told = co_await socket->write(net::WebSocket::Kind::text, to_text(refusal));
    if (told) co_await socket->close(net::WebSocket::Close::normal, "no terminal");
    co_return;
  }
  log::info("terminal opened", {{"app", app_name}, {"by", request.principal}, {"id", (*terminal)->id()}});
  co_await bridge(context_.executor, *terminal, socket);
  log::info("terminal closed", {{"app", app_name}, {"by", request.principal}, {"id", (*terminal)->id()}});
}

}  // namespace dd::agent
