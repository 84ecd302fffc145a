// ddctl deploy FILE.
#include <memory>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "libdd/cli/spec_file.hpp"
#include "libdd/cli/verbs.hpp"

namespace dd::cli {
namespace {

int deploy(const Invocation& invocation, const std::string& file, const std::string& agent_name) {
  const auto spec = read_spec(file);
  if (!spec) return report(spec.error());
  const auto client = client_for(invocation);
  if (!client) return report(client.error());
  const auto agent = client->find_agent(agent_name);
  if (!agent) return report(agent.error());
  const auto deployed = client->deploy_text(agent->hostname, *spec);
  if (!deployed) return report(deployed.error());

  for (const auto& warning : deployed->warnings) progress("warning: " + warning);
  if (invocation.format() == Format::json) {
    print_json({{"id", deployed->id},
                {"status", deployed->status},
                {"app_name", deployed->app_name},
                {"agent", agent->vm_name},
                {"hostnames", deployed->hostnames},
                {"urls", deployed->urls},
                {"warnings", deployed->warnings}});
  } else {
    progress(deployed->app_name + " is " + deployed->status + " on " + agent->vm_name);
    for (const auto& url : deployed->urls) print_line(printable(url));
  }
  return deployed->status == "running" || deployed->status == "exited" || deployed->status == "completed" ? 0 : 1;
}

}  // namespace

void add_deploy(CLI::App& app, Invocation& invocation) {
  auto* verb = app.add_subcommand(
      "deploy",
      "Start a workload and print its URLs.\nExample: ddctl deploy examples/workloads/hello/workload.json\n"
      "Example: ddctl deploy - --agent vm-2 < workload.json");
  const auto file = std::make_shared<std::string>();
  const auto agent = std::make_shared<std::string>();
  verb->add_option("file", *file, "DeployRequest as JSON; - reads standard input")->required();
  verb->add_option("--agent", *agent, "VM name, agent id or hostname; not needed when there is one agent");
  verb->callback([&invocation, file, agent] {
    invocation.work = [&invocation, file, agent] { return deploy(invocation, *file, *agent); };
  });
}

}  // namespace dd::cli
