// Commands and terminals in a running agent.
#include <nlohmann/json.hpp>

#include "libdd/fleet_client/connection.hpp"
#include "libdd/protocol/exec.hpp"

namespace dd {
namespace {

Result<std::string> ticket_from(const Json& value) {
  ObjectReader reader(value, "$");
  auto ticket = reader.text("ticket", {.least = 1});
  if (reader.error()) return tl::unexpected(*reader.error());
  return ticket;
}

}  // namespace

Result<Executed> FleetClient::exec(std::string_view agent, const Command& command) const {
  auto call = connection_->to_agent("POST", agent, "/exec");
  if (!call) return tl::unexpected(std::move(call).error());
  protocol::ExecRequest request;
  request.cmd = command.cmd;
  request.app_name = command.app_name;
  request.privileged = command.privileged;
  request.timeout = command.timeout;
  call->body = to_text(to_json_value(request));
  call->deadline += command.timeout;
  auto answer = connection_->ask(*std::move(call), protocol::exec_answer_from);
  if (!answer) return tl::unexpected(std::move(answer).error());
  return Executed{std::move(answer->id),  answer->exit.code,      answer->exit.signal,
                  std::move(answer->out), std::move(answer->err), answer->truncated};
}

Result<std::vector<RunningCommand>> FleetClient::commands(std::string_view agent) const {
  auto call = connection_->to_agent("GET", agent, "/commands");
  if (!call) return tl::unexpected(std::move(call).error());
  auto answer = connection_->ask(*std::move(call), protocol::running_commands_from);
  if (!answer) return tl::unexpected(std::move(answer).error());
  std::vector<RunningCommand> commands;
  for (auto& one : *answer)
    commands.push_back({std::move(one.id), std::move(one.type), std::move(one.cmd), std::move(one.app_name),
                        one.privileged, std::move(one.started_at)});
  return commands;
}

Result<Secret> FleetClient::terminal_url(std::string_view agent, std::string_view app) const {
  const auto name = net::percent_encode(app);
  auto call = connection_->to_agent("POST", agent, "/session/" + name + "/ticket");
  if (!call) return tl::unexpected(std::move(call).error());
  const auto ticket = connection_->ask(*std::move(call), ticket_from);
  if (!ticket) return tl::unexpected(ticket.error());
  const auto terminal =
      connection_->to_agent("GET", agent, "/ws/session/" + name + "?ticket=" + net::percent_encode(*ticket));
  if (!terminal) return tl::unexpected(terminal.error());
  return Secret(terminal->url);
}

}  // namespace dd
