// ddctl logs APP.
#include <memory>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "libdd/cli/verbs.hpp"

namespace dd::cli {
namespace {

int logs(const Invocation& invocation, const std::string& app_name, const std::string& agent_name, std::int64_t lines) {
  const auto client = client_for(invocation);
  if (!client) return report(client.error());
  const auto agent = client->find_agent(agent_name);
  if (!agent) return report(agent.error());
  const auto answer = client->logs(agent->hostname, app_name, lines);
  if (!answer) return report(answer.error());
  if (invocation.format() == Format::json) {
    print_json(
        {{"app_name", answer->app_name}, {"id", answer->id}, {"status", answer->status}, {"lines", answer->lines}});
    return 0;
  }
  for (const auto& line : answer->lines) print_line(printable(line));
  return 0;
}

}  // namespace

void add_logs(CLI::App& app, Invocation& invocation) {
  auto* verb = app.add_subcommand(
      "logs",
      "Print the last lines of a workload.\nExample: ddctl logs hello\nExample: ddctl logs hello -n 20 --agent vm-1");
  const auto name = std::make_shared<std::string>();
  const auto agent = std::make_shared<std::string>();
  const auto lines = std::make_shared<std::int64_t>(100);
  verb->add_option("app", *name, "name of the workload")->required();
  verb->add_option("--agent", *agent, "VM name, agent id or hostname; not needed when there is one agent");
  verb->add_option("-n,--lines", *lines, "how many")->check(CLI::Range(1, 10'000));
  verb->callback([&invocation, name, agent, lines] {
    invocation.work = [&invocation, name, agent, lines] { return logs(invocation, *name, *agent, *lines); };
  });
}

}  // namespace dd::cli
