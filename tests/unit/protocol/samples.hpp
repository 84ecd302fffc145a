// Well-formed messages that tests alter one member at a time.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "libdd/protocol/fleet.hpp"
#include "libdd/protocol/health.hpp"
#include "libdd/protocol/registration.hpp"

namespace dd::protocol::samples {

template <std::size_t N = 32>
std::array<std::byte, N> filled(int value) {
  std::array<std::byte, N> out{};
  out.fill(static_cast<std::byte>(value));
  return out;
}

inline std::vector<std::string> events(std::size_t count) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < count; ++i) out.push_back(R"({"index":)" + std::to_string(i) + R"(,"type":"boot"})");
  return out;
}

inline RegisterClaims register_claims() {
  RegisterClaims claims;
  claims.audience = "https://app.dd.example";
  claims.issued_at = 1'777'000'000;
  claims.vm_name = "vm-1";
  claims.env_label = "prod";
  claims.owner = "octo-org/fleet";
  claims.nonce = filled(1);
  claims.signing_key = crypto::OkpPublicKey(crypto::Curve::ed25519, filled(2));
  claims.sealing_key = crypto::OkpPublicKey(crypto::Curve::x25519, filled(3));
  claims.boot_id = "00112233445566778899aabbccddeeff";
  claims.extra_ingress = {{"web", 8080, ServiceProtocol::http}, {"db", 5432, ServiceProtocol::tcp}};
  claims.agent_port = 8080;
  claims.event_log = events(3);
  claims.quoted_events = 3;
  claims.ita_token = "a.b.c";
  return claims;
}

inline RegisterHead register_head() {
  return {"https://app.dd.example",
          1'777'000'000,
          "vm-1",
          filled(1),
          crypto::OkpPublicKey(crypto::Curve::ed25519, filled(2)),
          filled(4),
          70'000};
}

inline AgentHealth agent_health() {
  AgentHealth health;
  health.base = {true, "0.1.0", "attested"};
  health.agent_id = "4b9e0f1c-0000-4000-8000-000000000001";
  health.vm_name = "vm-1";
  health.hostname = "vm-1.dd.example";
  health.owner = "octocat";
  health.boot_id = "00112233445566778899aabbccddeeff";
  health.ita_token = "a.b.c";
  health.binding = {"dd/refresh/v1", filled(4), 3};
  health.log = {1, 3, filled<48>(5), {R"({"index":1,"type":"deploy"})", R"({"index":2,"type":"stop"})"}};
  health.deployments = {{"hello", "running"}, {"job", "exited"}};
  health.extra_ingress = {{"web", 8080, ServiceProtocol::http}};
  health.uptime_secs = 77;
  health.metrics = {12.5, 0.25, 512, 2048};
  return health;
}

inline AgentView agent_view() {
  AgentView view;
  view.agent_id = "agent-1";
  view.vm_name = "vm-1";
  view.hostname = "vm-1.dd.example";
  view.status = "dropped";
  view.reason = "revoked";
  view.last_seen = "2026-05-01T10:00:00Z";
  view.registered_at = "2026-05-01T09:00:00Z";
  view.kid = "kid";
  view.extra_hostnames = {"web.vm-1.dd.example"};
  view.simulated = true;
  view.verdict = R"({"accepted":true})";
  view.tcb_status = "UpToDate";
  view.mrtd = "00";
  return view;
}

inline Evidence evidence() {
  Evidence evidence;
  evidence.quote = Bytes(100, std::byte{7});
  evidence.runtime_data = Bytes(160, std::byte{8});
  evidence.nonce = Bytes(16, std::byte{9});
  evidence.signing_key = crypto::OkpPublicKey(crypto::Curve::ed25519, filled(2));
  evidence.sealing_key = crypto::OkpPublicKey(crypto::Curve::x25519, filled(3));
  evidence.log = {0, 300, filled<48>(5), events(300)};
  evidence.quoted_events = 299;
  evidence.ita_token = "a.b.c";
  return evidence;
}

}  // namespace dd::protocol::samples
