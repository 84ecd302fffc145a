#include "libdd/enclave_client/terminal_routes.hpp"

#include <nlohmann/json.hpp>

#include "dd/log.hpp"
#include "libdd/core/decimal.hpp"
#include "libdd/core/json.hpp"
#include "libdd/enclave_client/terminal_bridge.hpp"

namespace dd::enclave_client {
namespace {

using protocol::WindowSize;

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

/// Empty: in no workload.
std::string app_of(const net::ServerRequest& request) { return request.params.empty() ? "" : request.params.front(); }

}  // namespace

void TerminalRoutes::add_to(net::Router& router) {
  net::RouteOptions people;
  people.authenticate = options_.authenticate;
  router.add(
      "POST", options_.ticket_path, [this](const net::ServerRequest& request) { return ticket(request); }, people);
  net::RouteOptions terminal;
  terminal.max_body = kMaxMessage;
  terminal.authenticate = [this](const net::ServerRequest& request) { return admit(request); };
  router.add_web_socket(
      options_.socket_path,
      [this](std::shared_ptr<net::WebSocket> socket, const net::ServerRequest& request) {
        return talk(std::move(socket), request);
      },
      terminal);
}

net::Task<Result<net::ServerResponse>> TerminalRoutes::ticket(const net::ServerRequest& request) {
  const auto issued = tickets_.issue(app_of(request), request.principal);
  if (!issued) co_return tl::unexpected(issued.error());
  const Json answer = {{"ticket", *issued}, {"expires_in", Tickets::kLife.count()}};
  co_return net::json_response(to_text(answer));
}

net::Task<Result<std::string>> TerminalRoutes::admit(const net::ServerRequest& request) {
  if (const auto given = request.query_value("ticket")) co_return tickets_.spend(*given, app_of(request));
  if (request.headers.find("Authorization") == nullptr)
    co_return fail(ErrorCode::unauthenticated, "cannot open a terminal: want a ticket, or Authorization");
  auto task = options_.authenticate(request);
  auto principal = co_await std::move(task);
  co_return principal;
}

net::Task<void> TerminalRoutes::talk(std::shared_ptr<net::WebSocket> socket, const net::ServerRequest& request) {
  const auto app_name = app_of(request);
  const Json banner = {{"type", "banner"}, {"vm_name", options_.vm_name}, {"attestation", options_.attestation()}};
  const bool greeted = co_await socket->write(net::WebSocket::Kind::text, to_text(banner));
  if (!greeted) co_return;
  const auto size = first_size(request);
  const auto terminal = co_await runtime_.attach(app_name, size);
  if (!terminal) {
    const Json refusal = {{"type", "error"}, {"message", terminal.error().message}};
    const bool told = co_await socket->write(net::WebSocket::Kind::text, to_text(refusal));
    if (told) co_await socket->close(net::WebSocket::Close::normal, "no terminal");
    co_return;
  }
  log::info("terminal opened", {{"app", app_name}, {"by", request.principal}, {"id", (*terminal)->id()}});
  co_await bridge(executor_, *terminal, socket);
  log::info("terminal closed", {{"app", app_name}, {"by", request.principal}, {"id", (*terminal)->id()}});
}

}  // namespace dd::enclave_client
