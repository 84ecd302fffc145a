// ddctl agents: list, show, revoke, invite.
#include <memory>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "libdd/cli/verbs.hpp"
#include "libdd/core/json.hpp"

namespace dd::cli {
namespace {

Json agent_json(const AgentSummary& agent) {
  auto verdict = parse_json(agent.verdict);
  return {{"agent_id", agent.agent_id},
          {"vm_name", agent.vm_name},
          {"hostname", agent.hostname},
          {"status", agent.status},
          {"reason", agent.reason},
          {"last_seen", agent.last_seen},
          {"registered_at", agent.registered_at},
          {"kid", agent.kid},
          {"extra_hostnames", agent.extra_hostnames},
          {"simulated", agent.simulated},
          {"tcb_status", agent.tcb_status},
          {"mrtd", agent.mrtd},
          {"compat", agent.compat},
          {"verdict", verdict ? *verdict : Json()}};
}

std::string tcb_text(const AgentSummary& agent) {
  if (agent.compat) return "not attested";
  return agent.simulated ? "simulated" : agent.tcb_status;
}

int list(const Invocation& invocation) {
  const auto client = client_for(invocation);
  if (!client) return report(client.error());
  const auto agents = client->agents();
  if (!agents) return report(agents.error());
  if (invocation.format() == Format::json) {
    Json all = Json::array();
    for (const auto& agent : *agents) all.push_back(agent_json(agent));
    print_json(all);
    return 0;
  }
  std::vector<std::vector<std::string>> rows;
  for (const auto& agent : *agents)
    rows.push_back({agent.vm_name, agent.status, tcb_text(agent), agent.last_seen, agent.hostname, agent.reason});
  print_table({"VM", "STATUS", "TCB", "LAST SEEN", "HOSTNAME", "REASON"}, rows);
  return 0;
}

void print_agent(const AgentSummary& agent) {
  for (const auto& [name, value] : std::vector<std::pair<std::string, std::string>>{{"VM", agent.vm_name},
                                                                                    {"Agent", agent.agent_id},
                                                                                    {"Hostname", agent.hostname},
                                                                                    {"Status", agent.status},
                                                                                    {"Reason", agent.reason},
                                                                                    {"Registered", agent.registered_at},
                                                                                    {"Last seen", agent.last_seen},
                                                                                    {"Key", agent.kid},
                                                                                    {"TCB status", tcb_text(agent)},
                                                                                    {"MRTD", agent.mrtd}})
    if (!value.empty()) print_line(name + std::string(12 - name.size(), ' ') + printable(value));
  const auto verdict = parse_json(agent.verdict);
  if (!verdict || !verdict->is_object()) return;
  for (const auto& rule : verdict->value("rules", Json::array()))
    print_line(std::string("  ") + (rule.value("passed", false) ? "ok    " : "FAIL  ") +
               printable(rule.value("explanation", "")));
  for (const auto& note : verdict->value("notes", Json::array()))
    if (note.is_string()) print_line("  note  " + printable(note.get<std::string>()));
}

int show_agent(const Invocation& invocation, const std::string& name) {
  const auto client = client_for(invocation);
  if (!client) return report(client.error());
  const auto agent = client->find_agent(name);
  if (!agent) return report(agent.error());
  if (invocation.format() == Format::json)
    print_json(agent_json(*agent));
  else
    print_agent(*agent);
  return 0;
}

int revoke(const Invocation& invocation, const std::string& name, const std::string& reason) {
  const auto client = client_for(invocation);
  if (!client) return report(client.error());
  const auto agent = client->find_agent(name);
  if (!agent) return report(agent.error());
  const auto revoked = client->revoke(agent->agent_id, reason);
  if (!revoked) return report(revoked.error());
  if (invocation.format() == Format::json)
    print_json({{"agent_id", agent->agent_id}, {"status", "dropped"}});
  else
    print_line("revoked " + printable(agent->agent_id));
  return 0;
}

int invite(const Invocation& invocation, const std::string& vm_name) {
  const auto client = client_for(invocation);
  if (!client) return report(client.error());
  const auto ticket = client->invite(vm_name);
  if (!ticket) return report(ticket.error());
  if (invocation.format() == Format::json) {
    print_json({{"ticket", std::string(ticket->ticket.reveal())}, {"expires_at", ticket->expires_at}});
  } else {
    progress("Good once, for 15 minutes. Write it to a file and give the VM DD_JOIN_TICKET_FILE.");
    print_line(printable(ticket->ticket.reveal()));
  }
  return 0;
}

}  // namespace

void add_agents(CLI::App& app, Invocation& invocation) {
  auto* agents = app.add_subcommand("agents",
                                    "List agents; show, revoke or invite one.\nExample: ddctl agents -o json\nExample: "
                                    "ddctl agents revoke vm-1 --reason lost");
  agents->require_subcommand(0, 1);
  agents->callback([&invocation, agents] {
    if (agents->get_subcommands().empty()) invocation.work = [&invocation] { return list(invocation); };
  });
  const auto name = std::make_shared<std::string>();
  const auto reason = std::make_shared<std::string>();

  auto* one = agents->add_subcommand("show", "All that is known of one agent, and why the policy accepts it.");
  one->add_option("agent", *name, "VM name, agent id or hostname")->required();
  one->callback(
      [&invocation, name] { invocation.work = [&invocation, name] { return show_agent(invocation, *name); }; });

  auto* gone = agents->add_subcommand("revoke", "Drop an agent for good: its key may never register again.");
  gone->add_option("agent", *name, "VM name, agent id or hostname")->required();
  gone->add_option("--reason", *reason, "kept with the entry");
  gone->callback([&invocation, name, reason] {
    invocation.work = [&invocation, name, reason] { return revoke(invocation, *name, *reason); };
  });

  auto* ticket = agents->add_subcommand("invite", "Make a ticket with which one VM may join.");
  ticket->add_option("vm", *name, "only the VM of this name may use it");
  ticket->callback(
      [&invocation, name] { invocation.work = [&invocation, name] { return invite(invocation, *name); }; });
}

}  // namespace dd::cli
