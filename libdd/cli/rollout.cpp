#include "libdd/cli/rollout.hpp"

#include <algorithm>
#include <thread>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "libdd/core/config_values.hpp"

namespace dd::cli {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds kStep = 20s;
// Between two questions when the first was not answered: an agent that restarts is back soon.
constexpr std::chrono::milliseconds kPause = 500ms;

nlohmann::json json_of(const Deployed& deployed, const AgentSummary& agent) {
  nlohmann::json value = {{"id", deployed.id},
                          {"status", deployed.status},
                          {"app_name", deployed.app_name},
                          {"agent", agent.vm_name},
                          {"hostnames", deployed.hostnames},
                          {"urls", deployed.urls},
                          {"warnings", deployed.warnings},
                          {"ready", deployed.ready},
                          {"rolled_back", deployed.rolled_back},
                          {"last_lines", deployed.last_lines},
                          {"listening", deployed.listening},
                          {"expose", nlohmann::json::array()}};
  for (const auto& expose : deployed.expose) value["expose"].push_back(to_json_value(expose));
  for (const auto& [name, text] :
       {std::pair{"replaced", deployed.replaced}, {"rollback_of", deployed.rollback_of}, {"reason", deployed.reason}})
    if (!text.empty()) value[name] = text;
  if (deployed.exit_code) value["exit_code"] = *deployed.exit_code;
  if (deployed.signal) value["signal"] = *deployed.signal;
  return value;
}

std::string logs_command(const AgentSummary& agent, const std::string& app, const std::string& id) {
  return "ddctl logs " + app + " --agent " + agent.vm_name + (id.empty() ? "" : " --id " + id);
}

int outcome_of(const Deployed& deployed) {
  if (!deployed.over()) return kStillDeploying;
  return deployed.ready ? 0 : 1;
}

void explain(const Deployed& deployed, const AgentSummary& agent) {
  const auto here = deployed.app_name + " is " + deployed.status + " on " + agent.vm_name;
  progress(deployed.reason.empty() ? here : here + ": " + deployed.reason);
  for (const auto& warning : deployed.warnings) progress("warning: " + warning);
  if (outcome_of(deployed) == 0) return;
  if (deployed.rolled_back) progress("what was there before it serves");
  if (!deployed.last_lines.empty()) progress("the end of its log:");
  for (const auto& line : deployed.last_lines) progress("  | " + line);
  progress("next: " + logs_command(agent, deployed.app_name, deployed.id));
}

}  // namespace

void add_wait(CLI::App& verb, std::string& wait) {
  verb.add_option("--wait", wait,
                  "How long to wait until it is ready, like 90s or 5m, or 0 for not at all; default: its ready_timeout "
                  "and half a minute");
}

Result<std::chrono::milliseconds> wait_from(const std::string& text, std::chrono::milliseconds ready_timeout) {
  if (text.empty()) return ready_timeout + 30s;
  if (text == "0" || text == "0s") return 0ms;
  const auto wait = config_values::duration(text);
  if (!wait)
    return fail(ErrorCode::invalid_argument, "cannot read --wait " + text + ": want a duration like 90s or 5m");
  return *wait;
}

std::chrono::milliseconds longest_step(const net::Deadline& deadline) { return std::min(deadline.left(), kStep); }

int see_it_out(const FleetClient& client, const AgentSummary& agent, Result<Deployed> deployed,
               const net::Deadline& deadline, Format format) {
  if (!deployed && deployed.error().reason == "start_failed") {
    (void)report(deployed.error());
    return 1;
  }
  if (!deployed) return report(deployed.error());
  const auto id = deployed->id;
  while (!deployed->over() && !deadline.over()) {
    auto now = client.deployment(agent.hostname, id, longest_step(deadline));
    if (now) {
      deployed = std::move(now);
    } else if (now.error().code == ErrorCode::not_found || now.error().code == ErrorCode::unsupported) {
      break;  // an agent of an earlier version: its first answer is its last
    } else {
      std::this_thread::sleep_for(std::min(kPause, deadline.left()));
    }
  }
  if (format == Format::json) print_json(json_of(*deployed, agent));
  explain(*deployed, agent);
  if (format == Format::table)
    for (const auto& url : deployed->urls) print_line(printable(url));
  return outcome_of(*deployed);
}

}  // namespace dd::cli
