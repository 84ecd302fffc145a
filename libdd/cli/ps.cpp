// ddctl ps: what runs.
#include <memory>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "libdd/cli/verbs.hpp"
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

int ps(const Invocation& invocation, const std::string& agent_name, bool all) {
  const auto client = client_for(invocation);
  if (!client) return report(client.error());
  std::vector<AgentSummary> agents;
  if (agent_name.empty()) {
    auto known = client->agents();
    if (!known) return report(known.error());
    for (auto& agent : *known)
      if (agent.status != "dropped" && agent.status != "dropping") agents.push_back(std::move(agent));
  } else {
    auto agent = client->find_agent(agent_name);
    if (!agent) return report(agent.error());
    agents.push_back(*std::move(agent));
  }

  int code = 0;
  Json rows = Json::array();
  std::vector<std::vector<std::string>> table;
  for (const auto& agent : agents) {
    const auto deployments = client->deployments(agent.hostname);
    if (!deployments) {
      code = report(deployments.error());
      continue;
    }
    for (const auto& info : *deployments) {
      if (!all && !is_live(info.status)) continue;
      auto row = to_json_value(info);
      row["agent"] = agent.vm_name;
      rows.push_back(std::move(row));
      table.push_back({info.app_name, std::string(to_string(info.status)), agent.vm_name, info.boot ? "boot" : "",
                       ports(info), how(info), info.started_at});
    }
  }
  if (invocation.format() == Format::json)
    print_json(rows);
  else
    print_table({"APP", "STATUS", "VM", "KIND", "EXPOSE", "ENDED", "STARTED"}, table);
  return code;
}

}  // namespace

void add_ps(CLI::App& app, Invocation& invocation) {
  auto* verb = app.add_subcommand("ps", "List workloads.\nExample: ddctl ps\nExample: ddctl ps --all --agent vm-1");
  const auto agent = std::make_shared<std::string>();
  const auto all = std::make_shared<bool>(false);
  verb->add_option("--agent", *agent, "only of this VM name, agent id or hostname");
  verb->add_flag("-a,--all", *all, "finished ones too");
  verb->callback([&invocation, agent, all] {
    invocation.work = [&invocation, agent, all] { return ps(invocation, *agent, *all); };
  });
}

}  // namespace dd::cli
