// A VM as the control plane meets it: keys, an event log, tokens bound to it, and an agent that answers polls.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "libdd/crypto/digest.hpp"
#include "libdd/crypto/jws.hpp"
#include "libdd/crypto/statement.hpp"
#include "tests/support/register_request.hpp"
#include "tests/unit/cp/room.hpp"

namespace dd::cp {

inline constexpr const char* kBootId = "00112233445566778899aabbccddeeff";
inline std::string digest_text(char digit) { return "sha256:" + std::string(64, digit); }

class Vm {
 public:
  explicit Vm(Room& room, std::string name = "vm-1") : vm_name(std::move(name)), room_(room) {
    add_event({{"type", "boot"},
               {"boot_id", kBootId},
               {"runtime_digest", digest_text('1')},
               {"attestation_type", "tdx"},
               {"rtmr3", "extended"},
               {"boundary", "uid"},
               {"config", Json::object()}});
    add_event({{"type", "workload"},
               {"app_name", "dd-agent"},
               {"role", "agent"},
               {"digest", digest_text('2')},
               {"env", {{"DD_OWNER", "octo"}, {"DD_OWNER_ID", "42"}, {"DD_CP_URL", kOrigin}}}});
    add_event({{"type", "workload"}, {"app_name", "connector"}, {"role", "connector"}, {"digest", digest_text('3')}});
  }

  void add_event(Json event) { log.append(event).value(); }
  [[nodiscard]] std::int64_t log_size() const { return static_cast<std::int64_t>(log.size()); }

  /// A token over `bound`, with RTMR3 as the log has it; `claims` replace the token's own.
  [[nodiscard]] std::string token_for(const Bytes& bound, const Json& claims = Json::object()) const {
    auto payload = ita::v1_payload();
    payload["iat"] = payload["nbf"] = room_.clock.unix_seconds();
    payload["exp"] = room_.clock.unix_seconds() + 300;
    payload["tdx_report_data"] = to_hex(report_data_of(bound));
    payload["tdx_rtmr3"] = to_hex(log.head());
    payload.update(claims);
    return ita::signed_token(ita::kGoodHeader, payload.dump());
  }

  /// Signed, with everything as it must be; `edit` changes the claims after the quote was made.
  [[nodiscard]] protocol::RegisterClaims claims_for(const Digest256& nonce, const Json& token_claims = Json::object()) {
    protocol::RegisterClaims claims;
    claims.audience = kOrigin;
    claims.issued_at = room_.clock.unix_seconds();
    claims.vm_name = vm_name;
    claims.env_label = "test";
    claims.owner = "octo";
    claims.nonce = nonce;
    claims.signing_key = signing.public_key();
    claims.sealing_key = sealing.public_key();
    claims.boot_id = kBootId;
    claims.extra_ingress = extras;
    claims.agent_port = 8080;
    claims.event_log = log.events();
    claims.quoted_events = log_size();
    const auto hashed = protocol::hashed_claims(protocol::to_json_value(claims)).value();
    const RegisterBinding binding{nonce,      kOrigin, claims.signing_key.spki(), claims.sealing_key.spki(),
                                  log.head(), hashed};
    token = claims.ita_token = token_for(bound_data(binding), token_claims);
    shown = {std::string(kRegisterTag), nonce, log_size()};
    return claims;
  }
  [[nodiscard]] test::RouteCall registration(const protocol::RegisterClaims& claims,
                                             const std::string& credential = kOwnerPat) const {
    const auto statement = crypto::sign_jws(signing, crypto::kRegisterTyp, protocol::to_json_value(claims));
    auto body = to_text(Json{{"registration", statement}});
    auto headers = test::register_headers(signing, test::head_for(claims, body), credential);
    return {"POST", "/register", std::move(headers), std::move(body)};
  }
  Answer submit(const protocol::RegisterClaims& claims, const std::string& credential = kOwnerPat) {
    return test::ask(room_.io, room_.router, registration(claims, credential));
  }
  /// Registers with the owner's PAT and answers polls from then on.
  void join() {
    const auto answer = body_of(submit(claims_for(room_.nonces.for_register())));
    agent_id = answer.at("agent_id").get<std::string>();
    hostname = answer.at("hostname").get<std::string>();
    serve();
  }
  void serve() {
    room_.agents[hostname] = [this](const HttpRequest& request) { return answer(request); };
  }
  void vanish() { room_.agents.erase(hostname); }

  /// From the next poll on, the token shown is bound to that poll and to the first `events` events.
  void refresh_at_next_poll(std::int64_t events, const Json& claims = Json::object()) {
    refresh_ = [this, events, claims](const Digest256& nonce) {
      const RefreshBinding binding{nonce, kOrigin, agent_id, signing.public_key().spki(),
                                   log.head_at(static_cast<std::size_t>(events))};
      token = token_for(bound_data(binding), claims);
      shown = {std::string(kRefreshTag), nonce, events};
    };
  }

  Result<HttpResponse> answer(const HttpRequest& request) {
    const auto statement = crypto::parse_statement(*request.headers.find(protocol::kChallengeHeader), crypto::kPollTyp);
    const auto poll = protocol::poll_claims_from(*statement.value().claims).value();
    const auto path = request.url.substr(request.url.find('/', std::string("https://").size()));
    if (path.starts_with("/log?from=")) {
      auto page = page_from(std::stoll(path.substr(std::string("/log?from=").size())));
      if (bend_page) bend_page(page);
      return test::http_answer(200, to_text(protocol::to_json_value(page)));
    }
    ++polls;
    if (auto refresh = std::exchange(refresh_, nullptr)) refresh(poll.nonce);
    auto health = health_for(poll);
    if (bend_health) bend_health(health);
    const auto body = to_text(protocol::to_json_value(health));
    auto proof = proof_for(poll, health, body);
    if (bend_proof) bend_proof(proof);
    auto response = test::http_answer(200, body);
    response.headers.set(protocol::kProofHeader,
                         crypto::sign_jws(signing, crypto::kProofTyp, protocol::to_json_value(proof)));
    return response;
  }

  std::string vm_name;
  std::string agent_id;
  std::string hostname;
  crypto::OkpPrivateKey signing = crypto::OkpPrivateKey::generate(crypto::Curve::ed25519, system_random());
  crypto::OkpPrivateKey sealing = crypto::OkpPrivateKey::generate(crypto::Curve::x25519, system_random());
  EventLog log;
  std::vector<Expose> extras;
  std::string token;
  protocol::TokenBinding shown;
  std::int64_t seq = 0;
  int polls = 0;
  std::size_t page_size = protocol::kLogPage;
  std::function<void(protocol::AgentHealth&)> bend_health;
  std::function<void(protocol::ProofClaims&)> bend_proof;
  std::function<void(protocol::LogPage&)> bend_page;

 private:
  [[nodiscard]] protocol::LogPage page_from(std::int64_t from) const {
    protocol::LogPage page{from, log_size(), log.head(), {}};
    for (auto i = static_cast<std::size_t>(from); i < log.size() && page.events.size() < page_size; ++i)
      page.events.push_back(log.events()[i]);
    return page;
  }
  [[nodiscard]] protocol::AgentHealth health_for(const protocol::PollClaims& poll) const {
    protocol::AgentHealth health;
    health.base = {true, "0.1.0", "attested"};
    health.agent_id = agent_id;
    health.vm_name = vm_name;
    health.hostname = hostname;
    health.owner = "octo";
    health.boot_id = kBootId;
    health.ita_token = token;
    health.binding = shown;
    health.log = page_from(poll.log_from);
    return health;
  }
  [[nodiscard]] protocol::ProofClaims proof_for(const protocol::PollClaims& poll, const protocol::AgentHealth& health,
                                                const std::string& body) {
    protocol::ProofClaims proof;
    proof.audience = kOrigin;
    proof.issuer = agent_id;
    proof.issued_at = room_.clock.unix_seconds();
    proof.boot_id = kBootId;
    proof.nonce = poll.nonce;
    proof.token_sha256 = crypto::sha256(as_bytes(health.ita_token));
    proof.body_sha256 = crypto::sha256(as_bytes(body));
    proof.log_head = health.log.head;
    proof.seq = seq++;
    return proof;
  }

  Room& room_;
  std::function<void(const Digest256&)> refresh_;
};

}  // namespace dd::cp
