// ddctl deploy FILE.
#include <memory>

#include <CLI/CLI.hpp>

#include "libdd/cli/rollout.hpp"
#include "libdd/cli/spec_file.hpp"
#include "libdd/cli/verbs.hpp"

namespace dd::cli {
namespace {

struct DeployFlags {
  std::string file;
  std::string agent;
  std::string wait;
};

int deploy(const Invocation& invocation, const DeployFlags& flags) {
  const auto spec = read_spec(flags.file);
  if (!spec) return report(spec.error());
  const auto request = parse_deploy_request(*spec);
  const auto wait = wait_from(flags.wait, request ? request->ready_timeout : DeployRequest().ready_timeout);
  if (!wait) return report(wait.error());
  const auto client = client_for(invocation);
  if (!client) return report(client.error());
  const auto agent = client->find_agent(flags.agent);
  if (!agent) return report(agent.error());
  const net::Deadline deadline(*wait);
  auto deployed = client->deploy_text(agent->hostname, *spec, longest_step(deadline));
  return see_it_out(*client, *agent, std::move(deployed), deadline, invocation.format());
}

}  // namespace

void add_deploy(CLI::App& app, Invocation& invocation) {
  auto* verb = app.add_subcommand("deploy",
                                  "Start a workload, wait until it is ready and print its URLs.\n"
                                  "Exits with 0 when it is ready, 1 when it ended, was rolled back or was not ready in "
                                  "its time, 124 when --wait is over.\n"
                                  "Example: ddctl deploy examples/workloads/hello/workload.json\n"
                                  "Example: ddctl deploy - --agent vm-2 < workload.json");
  const auto flags = std::make_shared<DeployFlags>();
  verb->add_option("file", flags->file, "DeployRequest as JSON; - reads standard input")->required();
  verb->add_option("--agent", flags->agent, "VM name, agent id or hostname; not needed when there is one agent");
  add_wait(*verb, flags->wait);
  verb->callback(
      [&invocation, flags] { invocation.work = [&invocation, flags] { return deploy(invocation, *flags); }; });
}

}  // namespace dd::cli
