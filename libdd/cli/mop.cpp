// ddctl mop APP: stops a workload with all its processes and takes its host names away.
#include <memory>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "libdd/cli/verbs.hpp"

namespace dd::cli {
namespace {

int mop(const Invocation& invocation, const std::string& app_name, const std::string& agent_name) {
  const auto client = client_for(invocation);
  if (!client) return report(client.error());
  const auto agent = client->find_agent(agent_name);
  if (!agent) return report(agent.error());
  const auto mopped = client->mop(agent->hostname, app_name);
  if (!mopped) return report(mopped.error());
  if (invocation.format() == Format::json) {
    print_json({{"app_name", mopped->app_name}, {"id", mopped->id}, {"hostnames", mopped->hostnames}});
    return 0;
  }
  print_line("mopped " + printable(mopped->app_name));
  for (const auto& hostname : mopped->hostnames) progress("gone: " + hostname);
  return 0;
}

}  // namespace

void add_mop(CLI::App& app, Invocation& invocation) {
  auto* verb = app.add_subcommand(
      "mop",
      "Stop a workload and take its hostnames away.\nExample: ddctl mop hello\nExample: ddctl mop hello --agent vm-1");
  const auto name = std::make_shared<std::string>();
  const auto agent = std::make_shared<std::string>();
  verb->add_option("app", *name, "name of the workload")->required();
  verb->add_option("--agent", *agent, "VM name, agent id or hostname; not needed when there is one agent");
  verb->callback([&invocation, name, agent] {
    invocation.work = [&invocation, name, agent] { return mop(invocation, *name, *agent); };
  });
}

}  // namespace dd::cli
