// A record with every member set to something of its own.
#pragma once

#include <string>

#include "libdd/cp/agent_record.hpp"

namespace dd::cp {

template <std::size_t N>
std::array<std::byte, N> filled(int value) {
  std::array<std::byte, N> out{};
  out.fill(static_cast<std::byte>(value));
  return out;
}

inline AgentRecord sample_record(const std::string& agent_id, const std::string& vm_name) {
  AgentRecord record;
  record.agent_id = agent_id;
  record.vm_name = vm_name;
  record.hostname = agent_id + ".dd.example";
  record.tunnel_id = "id of " + agent_id;
  record.signing_key = crypto::OkpPublicKey(crypto::Curve::ed25519, filled<32>(1));
  record.sealing_key = crypto::OkpPublicKey(crypto::Curve::x25519, filled<32>(2));
  record.boot_id = "00112233445566778899aabbccddeeff";
  record.status = AgentStatus::healthy;
  record.reason = "none";
  record.registered_at = 1'790'000'000;
  record.last_seen = 1'790'000'030;
  record.quarantined_at = 1'790'000'040;
  record.dropped_at = 1'790'000'050;
  record.renewable = true;
  record.failed_polls = 2;
  record.pins.report.mrtd = filled<48>(3);
  record.pins.tcb_status = "UpToDate";
  record.pins.attester_type = "TDX";
  record.pins.issuer = "https://portal.trustauthority.intel.com";
  record.pins.expires_at = 1'790'000'300;
  record.facts.owner = "octo";
  record.facts.owner_id = "42";
  record.facts.rtmr3_extended = true;
  // As long as an event lets it be: what was saved must be readable at the next start.
  record.facts.trust_settings = "A=" + std::string(EventLog::kMaxEventBytes - 2, 'x');
  record.verdict = R"({"accepted":true})";
  record.tcb_status = "UpToDate";
  record.log_length = 5;
  record.log_head = filled<48>(4);
  record.quoted_events = 4;
  record.quoted_head = filled<48>(5);
  record.register_token_sha256 = filled<32>(6);
  record.token_expires_at = 1'790'000'300;
  record.extras = {{"web", 8000, ServiceProtocol::http}, {"db", 5432, ServiceProtocol::tcp}};
  record.agent_port = 8080;
  record.seq_high = 70;
  record.seq_window = 0x8000000000000001;
  return record;
}

}  // namespace dd::cp
