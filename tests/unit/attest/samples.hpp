// An event log and claims as a good VM has them.
#pragma once

#include <nlohmann/json.hpp>

#include "dd/claims.hpp"
#include "dd/event_log.hpp"
#include "tests/unit/attest/quote_forge.hpp"

namespace dd {

inline std::string digest_of(char digit) { return "sha256:" + std::string(64, digit); }

inline nlohmann::json boot_event() {
  return {{"type", "boot"},
          {"version", 1},
          {"boot_id", "00112233445566778899aabbccddeeff"},
          {"runtime_digest", digest_of('a')},
          {"attestation_type", "tdx"},
          {"rtmr3", "extended"},
          {"boundary", "uid"},
          {"config", nlohmann::json::object()}};
}

inline nlohmann::json agent_event() {
  return {{"type", "workload"},
          {"app_name", "dd-agent"},
          {"role", "agent"},
          {"digest", digest_of('b')},
          {"cmd", {"dd-agent"}},
          {"env",
           {{"DD_OWNER", "octo"},
            {"DD_OWNER_ID", "1234"},
            {"DD_CP_URL", "HTTPS://App.Example.com:443/"},
            {"DD_ITA_API_KEY", "hmac-sha256:00"}}},
          {"inherit_token", true},
          {"privileged", false},
          {"expose", nlohmann::json::array()}};
}

inline nlohmann::json connector_event() {
  return {{"type", "workload"},       {"app_name", "cloudflared"}, {"role", "connector"},
          {"digest", digest_of('c')}, {"cmd", {"cloudflared"}},    {"env", nlohmann::json::object()},
          {"inherit_token", false},   {"privileged", false},       {"expose", nlohmann::json::array()}};
}

inline nlohmann::json deploy_event(bool privileged = false) {
  return {{"type", "deploy"},         {"id", "1"},
          {"app_name", "hello"},      {"digest", digest_of('d')},
          {"cmd", {"hello"}},         {"env", nlohmann::json::object()},
          {"privileged", privileged}, {"expose", nlohmann::json::array()}};
}

inline EventLog log_of(std::initializer_list<nlohmann::json> events) {
  EventLog log;
  for (const auto& event : events) static_cast<void>(log.append(event).value());
  return log;
}

inline EventLog sample_log() { return log_of({boot_event(), agent_event(), connector_event(), deploy_event()}); }

inline TdxClaims sample_claims() {
  TdxClaims claims;
  claims.report = sample_report();
  claims.tcb_status = "UpToDate";
  claims.advisory_ids = {"INTEL-SA-00001"};
  claims.attester_type = "TDX";
  claims.issuer = "https://portal.trustauthority.intel.com";
  claims.token_id = "0b5e2c1e-6f0a-4a53-8d3e-000000000001";
  claims.issued_at = 1'790'000'000;
  claims.expires_at = 1'790'000'300;
  return claims;
}

}  // namespace dd
