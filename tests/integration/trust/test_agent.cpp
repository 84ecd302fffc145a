#include "tests/integration/trust/test_agent.hpp"

#include <future>
#include <stdexcept>

#include <boost/asio/post.hpp>

#include "libdd/core/json.hpp"
#include "libdd/crypto/digest.hpp"
#include "libdd/crypto/hpke.hpp"
#include "libdd/crypto/jws.hpp"
#include "libdd/crypto/statement.hpp"
#include "libdd/net/http_client.hpp"
#include "libdd/protocol/registration.hpp"
#include "tests/support/register_request.hpp"

namespace dd::trust {
namespace {

constexpr std::chrono::milliseconds kQuoteTime{5'000};

crypto::OkpPrivateKey make_key(crypto::Curve curve) { return crypto::OkpPrivateKey::generate(curve, system_random()); }

std::string random_hex() {
  std::array<std::byte, 16> noise{};
  system_random().fill(noise);
  return to_hex(noise);
}

/// Steps of the harness itself; a failure there is no finding.
void must(const Result<void>& done) {
  if (!done) throw std::runtime_error(done.error().message);
}

Json workload(const char* name, const char* role, const std::string& digest, Json env) {
  return {{"type", "workload"},    {"app_name", name},    {"role", role},
          {"digest", digest},      {"cmd", {name}},       {"env", std::move(env)},
          {"inherit_token", true}, {"privileged", false}, {"expose", Json::array()}};
}

}  // namespace

TestAgent::TestAgent(const TrustFleet& fleet, AgentShape shape)
    : fleet_(fleet),
      shape_(std::move(shape)),
      signing_(make_key(crypto::Curve::ed25519)),
      sealing_(make_key(crypto::Curve::x25519)),
      proof_key_(crypto::OkpPrivateKey::from_raw(crypto::Curve::ed25519, Digest256{})),
      boot_id_(random_hex()),
      port_(free_port()) {
  if (shape_.origin.empty()) shape_.origin = fleet.origin();
  const auto& measured = shape_.own_measurements ? shape_.measurements : fleet.measurements();
  source_ = attest::make_simulated_quote_source(fleet.root(), measured).value();
  log({{"type", "boot"},
       {"version", 1},
       {"boot_id", boot_id_},
       {"runtime_digest", kRuntimeDigest},
       {"attestation_type", "tdx-simulated"},
       {"rtmr3", "extended"},
       {"boundary", "uid"},
       {"config", Json::object()}});
  log(workload("connector", "connector", kConnectorDigest, Json::object()));
  log(workload("dd-agent", "agent", shape_.agent_digest,
               {{"DD_OWNER", cli::kUpOwner},
                {"DD_OWNER_ID", std::to_string(cli::kUpOwnerId)},
                {"DD_CP_URL", shape_.origin},
                {"DD_GITHUB_API_URL", shape_.github_api_url}}));
}

TestAgent::~TestAgent() { vanish(); }

void TestAgent::log(Json event) { must(source_->extend_rtmr3(log_.append(event).value())); }

std::string TestAgent::mint(const Bytes& bound, QuoteSource& source) const {
  const auto quote = source.quote(report_data_of(bound), kQuoteTime).value();
  HttpRequest request;
  request.method = "POST";
  request.url = fleet_.services().ita_url() + "/appraisal/v1/attest";
  request.headers.set("x-api-key", std::string(fleet_.services().ita_key().reveal()));
  request.headers.set("Content-Type", "application/json");
  request.headers.set("Accept", "application/json");
  request.body = to_text(Json{{"quote", to_base64(quote.raw())}, {"runtime_data", to_base64(bound)}});
  return ask(fleet_.transport(), std::move(request)).body.at("token").get<std::string>();
}

Digest256 TestAgent::challenge() const {
  HttpRequest request;
  request.method = "POST";
  request.url = fleet_.origin() + "/register/challenge";
  const auto answer = ask(fleet_.transport(), std::move(request));
  return protocol::challenge_answer_from(answer.body).value().nonce;
}

Json TestAgent::prepare() { return prepare_for(challenge()); }

Json TestAgent::prepare_for(const Digest256& nonce) {
  protocol::RegisterClaims claims;
  claims.audience = fleet_.origin();
  claims.issued_at = system_clock().unix_seconds();
  claims.vm_name = shape_.vm_name;
  claims.env_label = "local";
  claims.owner = cli::kUpOwner;
  claims.nonce = nonce;
  claims.signing_key = signing_.public_key();
  claims.sealing_key = sealing_.public_key();
  claims.boot_id = boot_id_;
  claims.agent_port = port_;
  const auto hashed = protocol::hashed_claims(protocol::to_json_value(claims)).value();
  const RegisterBinding binding{nonce,       claims.audience, claims.signing_key.spki(), claims.sealing_key.spki(),
                                log_.head(), hashed};
  claims.ita_token = mint(bound_data(binding), *source_);
  claims.quoted_events = static_cast<std::int64_t>(log_.size());
  claims.event_log = log_.events();
  token_ = claims.ita_token;
  nonce_ = nonce;
  return protocol::to_json_value(claims);
}

Answer TestAgent::submit(const Json& claims, const std::string& credential) const {
  return submit_signed(crypto::sign_jws(signing_, crypto::kRegisterTyp, claims), credential);
}

Answer TestAgent::submit_signed(const std::string& statement, const std::string& credential) const {
  HttpRequest request;
  request.method = "POST";
  request.url = fleet_.origin() + "/register";
  request.body = to_text(Json{{"registration", statement}});
  const protocol::RegisterHead head{
      fleet_.origin(), system_clock().unix_seconds(), shape_.vm_name, nonce_, signing_.public_key(), {}, 0};
  request.headers = test::register_headers(signing_, test::announcing(head, request.body), credential);
  request.headers.set("Content-Type", "application/json");
  return ask(fleet_.transport(), std::move(request));
}

void TestAgent::join() {
  const auto claims = prepare();
  auto accepted = submit(claims, fleet_.ticket());
  if (accepted.status != 200) throw std::runtime_error("not registered: " + accepted.message);
  answer_ = std::move(accepted.body);
  agent_id_ = answer_.at("agent_id").get<std::string>();
}

void TestAgent::serve(Bend bend) {
  bend_ = std::move(bend);
  const auto sealed = from_base64url(answer_.at("tunnel_token_sealed").get<std::string>()).value();
  const auto token = crypto::hpke_open(sealing_, as_bytes(kRegisterTag), as_bytes(agent_id_), sealed).value();
  net::Router router;
  router.add("GET", "/health", [this](const net::ServerRequest& request) -> net::Task<Result<net::ServerResponse>> {
    co_return health(request);
  });
  net::HttpServerOptions options;
  options.port = port_;
  server_ = std::make_unique<net::HttpServer>(io_.get_executor(), std::move(router), options);
  must(server_->start());
  link_ = std::make_unique<local::ConnectorLink>(io_.get_executor(), local::parse_run_token(as_text(token)).value());
  link_->start();
  thread_ = std::thread([this] { io_.run(); });
}

void TestAgent::vanish() {
  if (!thread_.joinable()) return;
  io_.stop();
  thread_.join();
  link_.reset();
  server_.reset();
}

void TestAgent::change(const std::function<void()>& how) {
  std::promise<void> done;
  boost::asio::post(io_, [&] {
    how();
    done.set_value();
  });
  done.get_future().wait();
}

void TestAgent::swap_key() {
  change([this] { proof_key_ = make_key(crypto::Curve::ed25519); });
}

void TestAgent::drift_to(const attest::SimulatedMeasurements& measurements) {
  auto other = attest::make_simulated_quote_source(fleet_.root(), measurements).value();
  for (const auto& event : log_.events()) must(other->extend_rtmr3(crypto::sha384(as_bytes(event))));
  change([&] { drifted_ = std::move(other); });
}

net::ServerResponse TestAgent::health(const net::ServerRequest& request) {
  const auto* header = request.headers.find(protocol::kChallengeHeader);
  if (header == nullptr) return net::json_response("{}");
  const auto poll =
      protocol::poll_claims_from(*crypto::parse_statement(*header, crypto::kPollTyp).value().claims).value();
  protocol::AgentHealth health;
  health.base.version = "test";
  health.base.integrity = "simulated";
  health.agent_id = agent_id_;
  health.vm_name = shape_.vm_name;
  health.hostname = answer_.at("hostname").get<std::string>();
  health.owner = cli::kUpOwner;
  health.boot_id = boot_id_;
  health.ita_token = token_;
  health.binding = {std::string(kRegisterTag), nonce_, static_cast<std::int64_t>(log_.size())};
  if (drifted_) {
    const RefreshBinding binding{poll.nonce, fleet_.origin(), agent_id_, signing_.public_key().spki(), log_.head()};
    health.ita_token = mint(bound_data(binding), *drifted_);
    health.binding = {std::string(kRefreshTag), poll.nonce, static_cast<std::int64_t>(log_.size())};
  }
  health.log = {poll.log_from,
                static_cast<std::int64_t>(log_.size()),
                log_.head(),
                {log_.events().begin() + poll.log_from, log_.events().end()}};
  auto response = net::json_response(to_text(protocol::to_json_value(health)));
  protocol::ProofClaims proof;
  proof.audience = fleet_.origin();
  proof.issuer = agent_id_;
  proof.issued_at = system_clock().unix_seconds();
  proof.boot_id = boot_id_;
  proof.nonce = poll.nonce;
  proof.token_sha256 = crypto::sha256(as_bytes(health.ita_token));
  proof.body_sha256 = crypto::sha256(as_bytes(response.body));
  proof.log_head = log_.head();
  proof.seq = next_seq();
  if (bend_) bend_(response, proof);
  const bool swapped =
      proof_key_.public_key() != crypto::OkpPrivateKey::from_raw(crypto::Curve::ed25519, Digest256{}).public_key();
  response.headers.set(protocol::kProofHeader, crypto::sign_jws(swapped ? proof_key_ : signing_, crypto::kProofTyp,
                                                                protocol::to_json_value(proof)));
  return response;
}

Answer TestAgent::call(const std::string& agent_id, const std::string& signed_path, const std::string& signed_body,
                       const std::string& sent_body, std::int64_t seq) const {
  const protocol::CallClaims claims{fleet_.origin(),
                                    agent_id,
                                    system_clock().unix_seconds(),
                                    "POST",
                                    signed_path,
                                    crypto::sha256(as_bytes(signed_body)),
                                    seq};
  HttpRequest request;
  request.method = "POST";
  request.url = fleet_.origin() + "/ingress/replace";
  request.headers.set("Content-Type", "application/json");
  request.headers.set(protocol::kCallHeader,
                      crypto::sign_jws(signing_, crypto::kCallTyp, protocol::to_json_value(claims)));
  request.body = sent_body;
  return ask(fleet_.transport(), std::move(request));
}

}  // namespace dd::trust
