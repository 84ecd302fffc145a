#include "libdd/cp/agent_record.hpp"

#include <algorithm>
#include <array>

#include <nlohmann/json.hpp>

#include "libdd/attest/boot_workloads.hpp"
#include "libdd/core/decimal.hpp"
#include "libdd/core/json.hpp"

namespace dd::cp {
namespace {

constexpr std::array<std::string_view, 6> kStatusNames = {"unknown",     "healthy",  "unreachable",
                                                          "quarantined", "dropping", "dropped"};
constexpr std::int64_t kSeqWindow = 64;
constexpr std::int64_t kLargest = (std::int64_t{1} << 53) - 1;

AgentStatus read_status(ObjectReader& reader, const char* name) {
  const auto text = reader.text(name);
  for (std::size_t i = 0; i < kStatusNames.size(); ++i)
    if (kStatusNames[i] == text) return static_cast<AgentStatus>(i);
  // Taking it for a live one would give a dropped agent its name back.
  reader.problem(name, ErrorCode::invalid_argument, "want a status of an agent");
  return AgentStatus::unknown;
}

/// 64 bits do not fit a JSON number, so they are kept as a text.
std::uint64_t read_window(ObjectReader& reader, const char* name) {
  const auto window = decimal<std::uint64_t>(reader.text(name));
  if (!window) reader.problem(name, ErrorCode::invalid_argument, "want 64 bits as a decimal number");
  return window.value_or(0);
}

Json facts_to_json(const LogFacts& facts) {
  return {{"runtime_digest", facts.runtime_digest},
          {"attestation_type", facts.attestation_type},
          {"rtmr3_extended", facts.rtmr3_extended},
          {"boundary", facts.boundary},
          {"agent_digest", facts.agent_digest},
          {"connector_digest", facts.connector_digest},
          {"owner", facts.owner},
          {"owner_id", facts.owner_id},
          {"cp_origin", facts.cp_origin},
          {"trust_settings", facts.trust_settings},
          {"boot_workloads", facts.boot_workloads},
          {"boot_id", facts.boot_id},
          {"privileged", facts.privileged}};
}

LogFacts facts_from(ObjectReader& reader) {
  LogFacts facts;
  facts.runtime_digest = reader.text("runtime_digest");
  facts.attestation_type = reader.text("attestation_type");
  facts.rtmr3_extended = reader.required_boolean("rtmr3_extended");
  facts.boundary = reader.required_boolean("boundary");
  facts.agent_digest = reader.text("agent_digest");
  facts.connector_digest = reader.text("connector_digest");
  facts.owner = reader.text("owner");
  facts.owner_id = reader.text("owner_id");
  facts.cp_origin = reader.text("cp_origin");
  facts.trust_settings = reader.text("trust_settings", {.most = attest::kMostTrustSettings});
  // An agent of an earlier version's record: no rule allows what nobody has looked at.
  facts.boot_workloads = {"unknown"};
  if (reader.find("boot_workloads") != nullptr)
    facts.boot_workloads = reader.texts("boot_workloads", attest::kMostBootWorkloads);
  facts.boot_id = reader.text("boot_id");
  facts.privileged = reader.required_boolean("privileged");
  return facts;
}

template <std::size_t N>
void read_digest(ObjectReader& reader, const char* name, std::array<std::byte, N>& out) {
  const auto bytes = reader.hex(name, N);
  if (bytes.size() == N) std::copy(bytes.begin(), bytes.end(), out.begin());
}

Result<void> read_keys(ObjectReader& reader, AgentRecord& record) {
  const Json* signing = reader.object("signing_key");
  const Json* sealing = reader.object("sealing_key");
  if (reader.error()) return tl::unexpected(*reader.error());
  const auto signing_key = crypto::OkpPublicKey::from_jwk(*signing, crypto::Curve::ed25519);
  if (!signing_key) return tl::unexpected(signing_key.error());
  const auto sealing_key = crypto::OkpPublicKey::from_jwk(*sealing, crypto::Curve::x25519);
  if (!sealing_key) return tl::unexpected(sealing_key.error());
  record.signing_key = *signing_key;
  record.sealing_key = *sealing_key;
  return {};
}

/// The members that are objects of their own: keys, pins, facts, extras.
Result<void> read_parts(ObjectReader& reader, AgentRecord& record) {
  const Json* pins = reader.object("pins");
  const Json* facts = reader.object("facts");
  const Json* extras = reader.array("extras", 64);
  if (reader.error()) return tl::unexpected(*reader.error());
  if (!record.compat)
    if (auto keys = read_keys(reader, record); !keys) return keys;

  auto claims = tdx_claims_from(*pins);
  if (!claims) return tl::unexpected(claims.error());
  ObjectReader facts_reader(*facts, "$.facts");
  record.facts = facts_from(facts_reader);
  if (facts_reader.error()) return tl::unexpected(*facts_reader.error());
  auto exposed = expose_from(*extras, "$.extras", 64);
  if (!exposed) return tl::unexpected(exposed.error());

  record.pins = *std::move(claims);
  record.extras = *std::move(exposed);
  return {};
}

}  // namespace

std::string_view to_string(AgentStatus status) noexcept { return kStatusNames[static_cast<std::size_t>(status)]; }

bool is_live(AgentStatus status) noexcept { return status != AgentStatus::dropping && status != AgentStatus::dropped; }

Json to_json_value(const AgentRecord& record) {
  Json extras = Json::array();
  for (const auto& extra : record.extras) extras.push_back(dd::to_json_value(extra));
  Json value = {{"agent_id", record.agent_id},
                {"vm_name", record.vm_name},
                {"hostname", record.hostname},
                {"tunnel_id", record.tunnel_id},
                {"compat", record.compat},
                {"adopted", record.adopted},
                {"boot_id", record.boot_id},
                {"status", to_string(record.status)},
                {"reason", record.reason},
                {"registered_at", record.registered_at},
                {"last_seen", record.last_seen},
                {"quarantined_at", record.quarantined_at},
                {"dropped_at", record.dropped_at},
                {"renewable", record.renewable},
                {"token_untaken", record.token_untaken},
                {"failed_polls", record.failed_polls},
                {"pins", dd::to_json_value(record.pins)},
                {"facts", facts_to_json(record.facts)},
                {"verdict", record.verdict},
                {"tcb_status", record.tcb_status},
                {"log_length", record.log_length},
                {"log_head", to_hex(record.log_head)},
                {"quoted_events", record.quoted_events},
                {"quoted_head", to_hex(record.quoted_head)},
                {"register_token_sha256", to_hex(record.register_token_sha256)},
                {"token_expires_at", record.token_expires_at},
                {"extras", std::move(extras)},
                {"agent_port", record.agent_port},
                {"seq_high", record.seq_high},
                {"seq_window", std::to_string(record.seq_window)}};
  if (!record.compat) {
    value["signing_key"] = record.signing_key.to_jwk();
    value["sealing_key"] = record.sealing_key.to_jwk();
  }
  return value;
}

Result<AgentRecord> agent_record_from(const Json& value) {
  AgentRecord record;
  ObjectReader reader(value, "$");
  record.agent_id = reader.text("agent_id");
  record.vm_name = reader.text("vm_name");
  record.hostname = reader.text("hostname");
  record.tunnel_id = reader.text("tunnel_id");
  record.compat = reader.required_boolean("compat");
  record.adopted = reader.boolean("adopted", false);
  record.boot_id = reader.text("boot_id");
  record.status = read_status(reader, "status");
  record.reason = reader.text("reason");
  record.registered_at = reader.integer("registered_at", 0, kLargest);
  record.last_seen = reader.integer("last_seen", 0, kLargest);
  record.quarantined_at = reader.integer("quarantined_at", 0, kLargest);
  record.dropped_at = reader.integer("dropped_at", 0, kLargest);
  record.renewable = reader.boolean("renewable", false);
  record.token_untaken = reader.boolean("token_untaken", false);
  record.failed_polls = static_cast<int>(reader.integer("failed_polls", 0, 1'000'000));
  record.verdict = reader.text("verdict", {.most = 1024 * 1024});
  record.tcb_status = reader.text("tcb_status");
  record.log_length = reader.integer("log_length", 0, kLargest);
  read_digest(reader, "log_head", record.log_head);
  record.quoted_events = reader.integer("quoted_events", 0, kLargest);
  read_digest(reader, "quoted_head", record.quoted_head);
  read_digest(reader, "register_token_sha256", record.register_token_sha256);
  record.token_expires_at = reader.integer("token_expires_at", 0, kLargest);
  record.agent_port = static_cast<std::uint16_t>(reader.integer("agent_port", 0, 65535));
  record.seq_high = reader.integer("seq_high", -1, kLargest);
  record.seq_window = read_window(reader, "seq_window");
  if (auto parts = read_parts(reader, record); !parts) return wrap(parts.error(), "cannot read agent record");
  if (reader.error()) return wrap(*reader.error(), "cannot read agent record");
  return record;
}

Result<void> use_seq(AgentRecord& record, std::int64_t seq) {
  const auto replayed = [&] {
    return fail(ErrorCode::unauthenticated, "replayed",
                "cannot accept call number " + std::to_string(seq) + ": it was used or is too old");
  };
  if (seq < 0) return replayed();
  if (seq > record.seq_high) {
    const auto shift = seq - record.seq_high;
    record.seq_window = shift >= kSeqWindow ? 1 : (record.seq_window << shift) | 1;
    record.seq_high = seq;
    return {};
  }
  const auto behind = record.seq_high - seq;
  if (behind >= kSeqWindow) return replayed();
  const auto bit = std::uint64_t{1} << behind;
  if ((record.seq_window & bit) != 0) return replayed();
  record.seq_window |= bit;
  return {};
}

}  // namespace dd::cp
