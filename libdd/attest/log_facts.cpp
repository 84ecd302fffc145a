// What the policy wants to know of an event log.
#include <nlohmann/json.hpp>

#include "dd/event_log.hpp"
#include "libdd/core/json.hpp"

namespace dd {
namespace {

/// scheme://host[:port] in lower case, without a default port or anything behind it. Text only: the log's word is compared, never dialled.
std::string origin_of(std::string url) {
  for (auto& c : url)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  const auto scheme_end = url.find("://");
  if (scheme_end == std::string::npos) return url;
  const auto path = url.find_first_of("/?#", scheme_end + 3);
  if (path != std::string::npos) url.resize(path);
  const std::string_view scheme(url.data(), scheme_end);
  const std::string_view standard = scheme == "https" ? ":443" : scheme == "http" ? ":80" : "";
  if (!standard.empty() && url.ends_with(standard)) url.resize(url.size() - standard.size());
  return url;
}

void read_boot(ObjectReader& reader, LogFacts& facts) {
  facts.boot_id = reader.text("boot_id");
  facts.runtime_digest = reader.text("runtime_digest");
  facts.attestation_type = reader.text("attestation_type");
  facts.rtmr3_extended = reader.text("rtmr3") == "extended";
  facts.boundary = reader.text("boundary") == "uid";
}

void read_agent(ObjectReader& reader, LogFacts& facts) {
  facts.agent_digest = reader.text("digest");
  const Json* env = reader.object("env");
  if (env == nullptr) return;
  ObjectReader settings(*env, reader.path_of("env"));
  facts.owner = settings.optional_text("DD_OWNER").value_or("");
  facts.owner_id = settings.optional_text("DD_OWNER_ID").value_or("");
  facts.cp_origin = origin_of(settings.optional_text("DD_CP_URL").value_or(""));
}

/// Role of a boot workload; a role that occurs twice would let one be shown and the other be run.
Result<void> read_role(ObjectReader& reader, const std::string& role, LogFacts& facts) {
  const auto twice = [&] { return fail(ErrorCode::malformed, "cannot read event log: two boot workloads have role " + role); };
  if (role == "agent") {
    if (!facts.agent_digest.empty()) return twice();
    read_agent(reader, facts);
  } else if (role == "connector") {
    if (!facts.connector_digest.empty()) return twice();
    facts.connector_digest = reader.text("digest");
  }
  return {};
}

}  // namespace

Result<LogFacts> log_facts(const EventLog& log) {
  LogFacts facts;
  bool first = true;
  for (const auto& text : log.events()) {
    const auto event = parse_json(text, {.max_bytes = EventLog::kMaxEventBytes});
    if (!event) return wrap(event.error(), "cannot read event log");
    ObjectReader reader(*event, "$");
    const auto type = reader.text("type");
    const bool boot = type == "boot";
    if (boot != first) return fail(ErrorCode::malformed, "cannot read event log: the boot event must be the first and the only one");
    first = false;
    if (boot) read_boot(reader, facts);
    if (type == "workload")
      if (auto role = read_role(reader, reader.optional_text("role").value_or(""), facts); !role) return tl::unexpected(role.error());
    facts.privileged = facts.privileged || reader.boolean("privileged", false);
    if (reader.error()) return wrap(*reader.error(), "cannot read event log");
  }
  if (first) return fail(ErrorCode::malformed, "cannot read event log: it is empty");
  return facts;
}

}  // namespace dd
