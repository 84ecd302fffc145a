#include "libdd/cp/own_evidence.hpp"

#include <chrono>
#include <utility>

#include <nlohmann/json.hpp>

#include "dd/log.hpp"
#include "libdd/core/json.hpp"
#include "libdd/cp/owner_route.hpp"
#include "libdd/crypto/digest.hpp"
#include "libdd/crypto/statement.hpp"
#include "libdd/enclave_client/evidence.hpp"

namespace dd::cp {
namespace {

using namespace std::chrono_literals;

constexpr auto kRetryAfter = 10s;
// Anyone may ask for a proof, and each costs a signature.
constexpr int kMostProofs = 8;

ita::MinterOptions minter_options(const ControlPlaneOptions& options) {
  ita::MinterOptions minter;
  minter.base_url = options.ita_base_url;
  minter.api_key = options.ita_api_key;
  return minter;
}

}  // namespace

OwnEvidence::OwnEvidence(Context& context, std::shared_ptr<HttpTransport> transport)
    : context_(context),
      minter_(std::move(transport), minter_options(context.options)),
      can_attest_(context.options.capability_fd >= 0 && !context.options.ita_api_key.empty()) {}

void OwnEvidence::add_routes(net::Router& router) {
  const auto owner = owner_route(context_);
  router.add("GET", "/cp/attest", [this](const net::ServerRequest& request) { return attest(request); }, owner);
  router.add("GET", "/cp/ita", [this](const net::ServerRequest&) { return ita(); }, owner);
  router.add("GET", "/cp/proof", [this](const net::ServerRequest& request) { return proof(request); });
}

net::Task<Result<void>> OwnEvidence::refresh() {
  if (!can_attest_)
    co_return fail(ErrorCode::unsupported,
                   "cannot attest: this control plane runs outside a dd-enclave, or DD_ITA_API_KEY is not set");
  Bytes nonce(32);
  context_.random.fill(nonce);
  auto gathering = enclave_client::gather_evidence(context_.capability, std::move(nonce));
  auto evidence = co_await std::move(gathering);
  if (!evidence) co_return tl::unexpected(evidence.error());
  auto token = co_await minter_.mint(evidence->quote, evidence->runtime_data);
  if (!token) co_return wrap(token.error(), "cannot mint a token");
  // As everyone else will judge it: a token that is of no use is not shown.
  const auto verified = co_await context_.tokens.verify(*token);
  if (!verified) co_return wrap(verified.error(), "cannot use the token of this control plane");
  protocol::HolderEvidence fresh;
  fresh.ita_token = *std::move(token);
  fresh.nonce = std::move(evidence->nonce);
  fresh.log_head = evidence->log.head;
  shown_ = std::move(fresh);
  co_return Result<void>();
}

net::Task<void> OwnEvidence::run() {
  while (!stopping_ && can_attest_) {
    const auto refreshed = co_await refresh();
    if (!refreshed) log::warning("cannot refresh the control plane's token", {{"why", refreshed.error().message}});
    const std::chrono::milliseconds pause = refreshed ? context_.options.refresh_interval : kRetryAfter;
    co_await net::sleep_for(pause);
  }
}

net::Task<Result<net::ServerResponse>> OwnEvidence::attest(const net::ServerRequest& request) {
  auto nonce = enclave_client::evidence_nonce(request);
  if (!nonce) co_return tl::unexpected(nonce.error());
  auto gathering = enclave_client::gather_evidence(context_.capability, *std::move(nonce));
  auto evidence = co_await std::move(gathering);
  if (!evidence) co_return tl::unexpected(evidence.error());
  if (can_attest_) {
    auto token = co_await minter_.mint(evidence->quote, evidence->runtime_data);
    if (!token) co_return wrap(token.error(), "cannot mint a token");
    evidence->ita_token = *std::move(token);
  }
  co_return net::json_response(to_text(protocol::to_json_value(*evidence)));
}

net::Task<Result<net::ServerResponse>> OwnEvidence::ita() {
  if (!shown_) {
    const auto refreshed = co_await refresh();
    if (!refreshed) co_return tl::unexpected(refreshed.error());
  }
  auto token = shown_->ita_token;
  const auto claims = co_await context_.tokens.verify(token);
  if (!claims) co_return wrap(claims.error(), "cannot use the token of this control plane");
  const Json answer = {{"token", std::move(token)}, {"claims", dd::to_json_value(*claims)}};
  co_return net::json_response(to_text(answer));
}

net::Task<Result<net::ServerResponse>> OwnEvidence::proof(const net::ServerRequest& request) {
  const auto bytes = from_base64url(request.query_value("nonce").value_or(""));
  const auto nonce = bytes ? to_array<32>(*bytes, "nonce") : tl::unexpected(bytes.error());
  if (!nonce)
    co_return fail_at(ErrorCode::invalid_argument, "nonce", "cannot prove: nonce must be 32 bytes in base64url");
  if (proving_ >= kMostProofs) co_return fail(ErrorCode::rate_limited, "cannot prove: too many ask at once");
  ++proving_;
  auto proving = prove(*nonce);
  const auto proof = co_await std::move(proving);
  --proving_;
  if (!proof) co_return tl::unexpected(proof.error());
  co_return net::json_response(to_text(protocol::to_json_value(*proof)));
}

net::Task<Result<protocol::HolderProof>> OwnEvidence::prove(Digest256 nonce) {
  const auto keys = co_await context_.capability.keys();
  if (!keys) co_return wrap(keys.error(), "cannot get the control plane's key");
  protocol::HolderProof proof;
  proof.signing_key = keys->signing;
  proof.sealing_key = keys->sealing;
  proof.evidence = shown_;
  protocol::HolderClaims claims;
  claims.audience = context_.origin;
  claims.issued_at = context_.clock.unix_seconds();
  claims.nonce = nonce;
  claims.tunnel = tunnel_;
  claims.token_sha256 = crypto::sha256(as_bytes(shown_ ? shown_->ita_token : std::string()));
  auto value = protocol::to_json_value(claims);
  auto statement = co_await context_.capability.sign(std::string(crypto::kHolderTyp), std::move(value));
  if (!statement) co_return wrap(statement.error(), "cannot sign the proof");
  proof.statement = *std::move(statement);
  co_return proof;
}

}  // namespace dd::cp
