#include "libdd/agent/session_api.hpp"

#include <nlohmann/json.hpp>

#include "dd/log.hpp"
#include "libdd/agent/owner_auth.hpp"
#include "libdd/core/json.hpp"
#include "libdd/protocol/exec.hpp"

namespace dd::agent {
namespace {

constexpr std::size_t kMaxSessionRequest = 256 * 1024;
// Behind the longest timeout: the runtime then says that it was exceeded.
constexpr std::chrono::minutes kExecMargin{2};

enclave_client::TerminalOptions terminals_of(Context& context) {
  enclave_client::TerminalOptions options;
  options.ticket_path = "/session/{app}/ticket";
  options.socket_path = "/ws/session/{app}";
  options.vm_name = context.options.vm_name;
  options.attestation = [&context] { return context.state.keys.attestation_type; };
  options.authenticate = owner_only(context);
  return options;
}

}  // namespace

SessionApi::SessionApi(Context& context)
    : context_(context),
      terminals_(context.executor, context.runtime, context.clock, context.random, terminals_of(context)) {}

void SessionApi::add_routes(net::Router& router) {
  net::RouteOptions owner;
  owner.authenticate = owner_only(context_);
  owner.max_body = kMaxSessionRequest;
  owner.handler_deadline = protocol::ExecRequest::kMaxTimeout + kExecMargin;
  router.add("GET", "/commands", [this](const net::ServerRequest&) { return commands(); }, owner);
  owner.watch_caller = true;
  router.add("POST", "/exec", [this](const net::ServerRequest& request) { return exec(request); }, owner);
  terminals_.add_to(router);
}

net::Task<Result<net::ServerResponse>> SessionApi::exec(const net::ServerRequest& request) {
  const auto body = parse_json(request.body);
  if (!body) co_return wrap(body.error(), "cannot exec");
  auto wanted = protocol::exec_request_from(*body);
  if (!wanted) co_return tl::unexpected(wanted.error());
  log::info("exec", {{"app", wanted->app_name}, {"by", request.principal}, {"program", wanted->cmd.front()}});
  const auto answer = co_await context_.runtime.exec(*std::move(wanted), request.caller_left);
  if (!answer) co_return tl::unexpected(answer.error());
  co_return net::json_response(to_text(protocol::to_json_value(*answer)));
}

net::Task<Result<net::ServerResponse>> SessionApi::commands() {
  const auto running = co_await context_.runtime.commands();
  if (!running) co_return tl::unexpected(running.error());
  co_return net::json_response(to_text(protocol::to_json_value(*running)));
}

}  // namespace dd::agent
