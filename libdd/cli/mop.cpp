// ddctl mop APP and ddctl stop APP: end a workload with all its processes and take its host names away.
#include <memory>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "libdd/cli/verbs.hpp"

namespace dd::cli {
namespace {

struct EndFlags {
  std::string app_name;
  std::string agent;
  bool stop = false;
};

int end(const Invocation& invocation, const EndFlags& flags) {
  const auto client = client_for(invocation);
  if (!client) return report(client.error());
  const auto agent = client->find_agent(flags.agent);
  if (!agent) return report(agent.error());
  const auto ended =
      flags.stop ? client->stop(agent->hostname, flags.app_name) : client->mop(agent->hostname, flags.app_name);
  if (!ended) return report(ended.error());
  if (invocation.format() == Format::json) {
    print_json({{"app_name", ended->app_name}, {"id", ended->id}, {"hostnames", ended->hostnames}});
    return 0;
  }
  print_line((flags.stop ? "stopped " : "mopped ") + printable(ended->app_name));
  for (const auto& hostname : ended->hostnames) progress("gone: " + hostname);
  if (flags.stop) progress("next: ddctl restart " + ended->app_name + " --agent " + agent->vm_name);
  return 0;
}

void add(CLI::App& app, Invocation& invocation, bool stop, const char* name, const char* help) {
  auto* verb = app.add_subcommand(name, help);
  const auto flags = std::make_shared<EndFlags>();
  flags->stop = stop;
  verb->add_option("app", flags->app_name, "name of the workload")->required();
  verb->add_option("--agent", flags->agent, "VM name, agent id or hostname; not needed when there is one agent");
  verb->callback([&invocation, flags] { invocation.work = [&invocation, flags] { return end(invocation, *flags); }; });
}

}  // namespace

void add_mop(CLI::App& app, Invocation& invocation) {
  add(app, invocation, false, "mop",
      "Stop a workload and take its hostnames away.\nExample: ddctl mop hello\nExample: ddctl mop hello --agent vm-1");
}

void add_stop(CLI::App& app, Invocation& invocation) {
  add(app, invocation, true, "stop",
      "Stop a workload; ddctl restart starts it again.\nExample: ddctl stop hello\nExample: ddctl stop hello --agent "
      "vm-1");
}

}  // namespace dd::cli
