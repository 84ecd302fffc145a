// ddctl ps: what runs.
#include <memory>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "libdd/cli/verbs.hpp"
#include "libdd/core/config_values.hpp"
#include "libdd/core/json.hpp"

namespace dd::cli {
namespace {

std::string how(const DeploymentInfo& info) {
  if (info.exit_code) return "exit " + std::to_string(*info.exit_code);
  if (info.signal) return "signal " + std::to_string(*info.signal);
  return info.error_message;
}

std::string ports(const DeploymentInfo& info) {
  std::string text;
  for (const auto& expose : info.expose)
    text += (text.empty() ? "" : ",") + expose.hostname_label + ":" + std::to_string(expose.port);
  return text;
}

struct PsFlags {
  std::string agent;
  bool all = false;
  bool commands = false;
};

/// What is shown, as a table and as JSON.
struct Shown {
  std::vector<std::vector<std::string>> table;
  Json rows = Json::array();

  void add(const AgentSummary& agent, Json row, std::vector<std::string> line) {
    row["agent"] = agent.vm_name;
    rows.push_back(std::move(row));
    table.push_back(std::move(line));
  }
};

Result<std::vector<AgentSummary>> agents_for(const FleetClient& client, const std::string& name) {
  std::vector<AgentSummary> agents;
  if (!name.empty()) {
    auto agent = client.find_agent(name);
    if (!agent) return tl::unexpected(agent.error());
    agents.push_back(*std::move(agent));
    return agents;
  }
  auto known = client.agents();
  if (!known) return known;
  for (auto& agent : *known)
    if (agent.status != "dropped" && agent.status != "dropping") agents.push_back(std::move(agent));
  return agents;
}

Result<void> add_workloads(Shown& shown, const FleetClient& client, const AgentSummary& agent, bool all) {
  const auto deployments = client.deployments(agent.hostname);
  if (!deployments) return tl::unexpected(deployments.error());
  for (const auto& info : *deployments)
    if (all || is_live(info.status))
      shown.add(agent, to_json_value(info),
                {info.app_name, std::string(to_string(info.status)), agent.vm_name, info.boot ? "boot" : "",
                 ports(info), how(info), info.started_at});
  return {};
}

Result<void> add_commands(Shown& shown, const FleetClient& client, const AgentSummary& agent) {
  const auto commands = client.commands(agent.hostname);
  if (!commands) return tl::unexpected(commands.error());
  for (const auto& one : *commands) {
    Json row = {{"id", one.id},
                {"type", one.type},
                {"cmd", one.cmd},
                {"app_name", one.app_name},
                {"privileged", one.privileged},
                {"started_at", one.started_at}};
    shown.add(agent, std::move(row),
              {one.app_name, one.type == "attach" ? "terminal" : one.type, agent.vm_name,
               one.privileged ? "privileged" : "", one.started_at, config_values::join(one.cmd, " ")});
  }
  return {};
}

int ps(const Invocation& invocation, const PsFlags& flags) {
  const auto client = client_for(invocation);
  if (!client) return report(client.error());
  const auto agents = agents_for(*client, flags.agent);
  if (!agents) return report(agents.error());
  int code = 0;
  Shown shown;
  for (const auto& agent : *agents) {
    const auto added =
        flags.commands ? add_commands(shown, *client, agent) : add_workloads(shown, *client, agent, flags.all);
    if (!added) code = report(added.error());
  }
  if (invocation.format() == Format::json)
    print_json(shown.rows);
  else if (flags.commands)
    print_table({"APP", "TYPE", "VM", "RIGHTS", "STARTED", "COMMAND"}, shown.table);
  else
    print_table({"APP", "STATUS", "VM", "KIND", "EXPOSE", "ENDED", "STARTED"}, shown.table);
  return code;
}

}  // namespace

void add_ps(CLI::App& app, Invocation& invocation) {
  auto* verb = app.add_subcommand(
      "ps", "List workloads.\nExample: ddctl ps\nExample: ddctl ps --all --agent vm-1\nExample: ddctl ps --commands");
  const auto flags = std::make_shared<PsFlags>();
  verb->add_option("--agent", flags->agent, "only of this VM name, agent id or hostname");
  auto* all = verb->add_flag("-a,--all", flags->all, "finished ones too");
  verb->add_flag("--commands", flags->commands, "in place of workloads, what exec and shell have open")->excludes(all);
  verb->callback([&invocation, flags] { invocation.work = [&invocation, flags] { return ps(invocation, *flags); }; });
}

}  // namespace dd::cli
