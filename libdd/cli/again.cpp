// ddctl restart APP and ddctl rollback APP: what ran is started once more, as a deployment of its own.
#include <memory>

#include <CLI/CLI.hpp>

#include "libdd/cli/rollout.hpp"
#include "libdd/cli/verbs.hpp"

namespace dd::cli {
namespace {

struct AgainFlags {
  std::string app_name;
  std::string agent;
  std::string wait;
  bool rollback = false;
};

int start_again(const Invocation& invocation, const AgainFlags& flags) {
  const auto wait = wait_from(flags.wait, DeployRequest().ready_timeout);
  if (!wait) return report(wait.error());
  const auto client = client_for(invocation);
  if (!client) return report(client.error());
  const auto agent = client->find_agent(flags.agent);
  if (!agent) return report(agent.error());
  const net::Deadline deadline(*wait);
  const auto step = longest_step(deadline);
  auto started = flags.rollback ? client->rollback(agent->hostname, flags.app_name, step)
                                : client->restart(agent->hostname, flags.app_name, step);
  return see_it_out(*client, *agent, std::move(started), deadline, invocation.format());
}

void add_again(CLI::App& app, Invocation& invocation, bool rollback, const char* name, const char* help) {
  auto* verb = app.add_subcommand(name, help);
  const auto flags = std::make_shared<AgainFlags>();
  flags->rollback = rollback;
  verb->add_option("app", flags->app_name, "name of the workload")->required();
  verb->add_option("--agent", flags->agent, "VM name, agent id or hostname; not needed when there is one agent");
  add_wait(*verb, flags->wait);
  verb->callback(
      [&invocation, flags] { invocation.work = [&invocation, flags] { return start_again(invocation, *flags); }; });
}

}  // namespace

void add_restart(CLI::App& app, Invocation& invocation) {
  add_again(app, invocation, false, "restart",
            "Start a workload once more, with the same request and the very same bytes; exits as deploy does.\n"
            "Example: ddctl restart hello --agent vm-1");
}

void add_rollback(CLI::App& app, Invocation& invocation) {
  add_again(app, invocation, true, "rollback",
            "Go back to the deployment of a workload that was good before what runs now; exits as deploy does.\n"
            "Example: ddctl rollback hello --agent vm-1");
}

}  // namespace dd::cli
