// What the policy wants to know of an event log.
#include <set>

#include <nlohmann/json.hpp>

#include "dd/event_log.hpp"
#include "libdd/attest/boot_workloads.hpp"
#include "libdd/attest/fact_text.hpp"
#include "libdd/attest/privileged_event.hpp"
#include "libdd/attest/trust_settings.hpp"
#include "libdd/core/json.hpp"

namespace dd {
namespace {

std::string read_digest(ObjectReader& reader, const char* name) {
  return reader.text(name, {.accepts = attest::is_digest, .expected = "sha256: and 64 lower-case hex digits"});
}

void read_boot(ObjectReader& reader, LogFacts& facts) {
  facts.boot_id = reader.text("boot_id");
  facts.runtime_digest = read_digest(reader, "runtime_digest");
  facts.attestation_type = reader.text("attestation_type");
  facts.rtmr3_extended = reader.text("rtmr3") == "extended";
  facts.boundary = reader.text("boundary") == "uid";
  if (const auto* config = reader.object("config"))
    facts.trust_settings = attest::runtime_trust_settings(*config, reader.path_of("config"), reader);
}

void read_agent(ObjectReader& reader, LogFacts& facts) {
  facts.agent_digest = read_digest(reader, "digest");
  const Json* env = reader.object("env");
  if (env == nullptr) return;
  if (auto added = attest::add_trust_settings(attest::agent_trust_settings(*env), facts); !added)
    reader.problem(added.error());
  ObjectReader settings(*env, reader.path_of("env"));
  facts.owner = settings.optional_text("DD_OWNER").value_or("");
  facts.owner_id = settings.optional_text("DD_OWNER_ID").value_or("");
  facts.cp_origin = attest::origin_of(settings.optional_text("DD_CP_URL").value_or(""));
  if (settings.error()) reader.problem(*settings.error());
}

/// A role that occurs twice would let one workload be shown and the other be run.
void read_workload(const Json& event, ObjectReader& reader, std::set<std::string>& roles, LogFacts& facts) {
  const auto role = reader.optional_text("role");
  if (auto added = attest::add_boot_workload(event, facts); !added) reader.problem(added.error());
  if (!role) return;
  if (!roles.insert(*role).second)
    reader.problem("role", ErrorCode::malformed, "two boot workloads have role \"" + *role + "\"");
  // No rule knows what control plane may be beside an agent.
  const bool is_beside_agent = (*role == "cp" || *role == "agent") && roles.contains("cp") && roles.contains("agent");
  if (is_beside_agent) facts.privileged = true;
  if (*role == "agent") read_agent(reader, facts);
  if (*role == "connector") facts.connector_digest = read_digest(reader, "digest");
}

Result<void> read_event(const Json& event, std::size_t index, std::set<std::string>& roles, LogFacts& facts) {
  ObjectReader reader(event, "$.event_log[" + std::to_string(index) + "]");
  const auto type = reader.text("type");
  if ((type == "boot") != (index == 0))
    reader.problem("type", ErrorCode::malformed, "the first event is boot, and no other");
  if (type == "boot") read_boot(reader, facts);
  if (type == "workload") read_workload(event, reader, roles, facts);
  if (attest::starts_privileged(reader)) facts.privileged = true;
  if (reader.error()) return tl::unexpected(*reader.error());
  return {};
}

}  // namespace

Result<LogFacts> log_facts(const EventLog& log) {
  if (log.size() == 0) return fail(ErrorCode::malformed, "cannot read event log: it has no event");
  LogFacts facts;
  facts.trust_settings.clear();
  std::set<std::string> roles;
  for (std::size_t i = 0; i < log.size(); ++i) {
    const auto event = parse_json(log.events()[i], {.max_bytes = EventLog::kMaxEventBytes});
    if (!event) return wrap(event.error(), "cannot read event log");
    if (auto read = read_event(*event, i, roles, facts); !read) return wrap(read.error(), "cannot read event log");
  }
  if (facts.trust_settings.empty()) facts.trust_settings = "default";
  return facts;
}

}  // namespace dd
