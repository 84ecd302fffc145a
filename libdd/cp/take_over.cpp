#include "libdd/cp/take_over.hpp"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "dd/log.hpp"
#include "dd/report_data.hpp"
#include "libdd/core/json.hpp"
#include "libdd/cp/evidence.hpp"
#include "libdd/crypto/digest.hpp"
#include "libdd/crypto/statement.hpp"
#include "libdd/net/error_body.hpp"
#include "libdd/net/http_client.hpp"

namespace dd::cp {
namespace {

constexpr std::size_t kLongestProof = 256 * 1024;
// Each look is a call of Cloudflare, which allows four a second in all.
constexpr std::chrono::milliseconds kShortestPause{2'000};

Result<protocol::HolderClaims> read_statement(const Context& context, const protocol::HolderProof& proof) {
  const auto statement = crypto::parse_statement(proof.statement, crypto::kHolderTyp);
  if (!statement) return tl::unexpected(statement.error());
  const crypto::StatementRule rule{crypto::kHolderTyp, context.origin, crypto::Expiry::absent,
                                   context.clock.unix_seconds()};
  if (auto good = crypto::verify_statement(*statement, proof.signing_key, rule); !good)
    return tl::unexpected(good.error());
  return protocol::holder_claims_from(*statement->claims);
}

Result<void> check_binding(const protocol::HolderProof& proof, const TdxClaims& token) {
  const AttestBinding binding{proof.evidence->nonce, proof.signing_key.spki(), proof.sealing_key.spki(),
                              proof.evidence->log_head};
  if (report_data_of(bound_data(binding)) == token.report.report_data) return {};
  return fail(ErrorCode::permission_denied, "report_data_mismatch",
              "cannot accept evidence: REPORTDATA is not made of this control plane's keys and event log");
}

}  // namespace

net::Task<Result<Holder>> check_holder(Context& context, protocol::HolderProof proof, Digest256 nonce) {
  const auto claims = read_statement(context, proof);
  if (!claims) co_return tl::unexpected(claims.error());
  if (claims->nonce != nonce)
    co_return fail(ErrorCode::unauthenticated, "cannot accept proof: it was made for another nonce");
  Holder holder;
  holder.kid = proof.signing_key.kid();
  holder.tunnel = claims->tunnel;
  if (!proof.evidence) co_return holder;
  if (crypto::sha256(as_bytes(proof.evidence->ita_token)) != claims->token_sha256)
    co_return fail(ErrorCode::unauthenticated, "cannot accept proof: it was made with another token");
  const auto token = co_await context.tokens.verify(proof.evidence->ita_token);
  if (!token) co_return tl::unexpected(token.error());
  if (auto bound = check_binding(proof, *token); !bound) co_return tl::unexpected(bound.error());
  const auto verdict = appraise_token(context.policy, *token, "control plane");
  if (!verdict) co_return tl::unexpected(verdict.error());
  holder.attested = true;
  co_return holder;
}

TakeOver::TakeOver(Context& context, OwnEvidence& own, SelfTunnel& tunnel, tunnel::TunnelProvider& tunnels,
                   std::function<void()> leave)
    : context_(context), own_(own), tunnel_(tunnel), tunnels_(tunnels), leave_(std::move(leave)) {}

net::Task<Result<Holder>> TakeOver::ask() {
  Digest256 nonce{};
  context_.random.fill(nonce);
  HttpRequest request;
  request.url = context_.origin + "/cp/proof?nonce=" + to_base64url(nonce);
  request.deadline = context_.options.poll_timeout;
  request.max_response_bytes = kLongestProof;
  const auto response = co_await net::send(context_.transport, std::move(request));
  if (!response) co_return tl::unexpected(response.error());
  if (response->status != 200) co_return tl::unexpected(net::error_from(*response));
  const auto value = parse_json(response->body);
  if (!value) co_return tl::unexpected(value.error());
  auto proof = protocol::holder_proof_from(*value);
  if (!proof) co_return tl::unexpected(proof.error());
  auto checking = check_holder(context_, *std::move(proof), nonce);
  co_return co_await std::move(checking);
}

net::Task<Result<void>> TakeOver::take() {
  const auto record = co_await tunnels_.find_dns(context_.options.hostname);
  if (!record) co_return wrap(record.error(), "cannot look for the host name's DNS record");
  bool lives = false;
  if (*record && !tunnel_.has(**record)) {
    auto judging = may_take(**record);
    const auto allowed = co_await std::move(judging);
    if (!allowed) co_return tl::unexpected(allowed.error());
    lives = *allowed;
  }
  const auto published = co_await tunnel_.publish();
  if (!published) co_return published;
  const auto settled = co_await tunnel_.settle_former(lives);
  if (!settled) log::warning("cannot remove the former control plane's tunnel", {{"why", settled.error().message}});
  co_return Result<void>();
}

net::Task<Result<bool>> TakeOver::may_take(tunnel::DnsRecord record) {
  // Whoever asks after the switch is to find it ready, and able to prove itself.
  if (own_.can_attest() && !own_.shown()) {
    const auto refreshed = co_await own_.refresh();
    if (!refreshed) co_return wrap(refreshed.error(), "cannot take over " + context_.options.hostname);
  }
  const bool ready = co_await tunnel_.wait_ready(patience_);
  if (!ready)
    co_return fail(ErrorCode::unavailable,
                   "cannot take over " + context_.options.hostname + ": the connector does not get ready");
  const auto holder = co_await ask();
  if (!holder) {
    log::warning("the host name leads to a tunnel where no control plane proves to be; taking it",
                 {{"hostname", record.name}, {"comment", record.comment}, {"why", holder.error().message}});
    co_return false;
  }
  if (holder->attested && !own_.shown())
    co_return fail(ErrorCode::conflict,
                   "cannot take over " + context_.options.hostname +
                       ": the control plane there is attested and this one is not (it needs a dd-enclave and "
                       "DD_ITA_API_KEY)");
  log::info("taking over", {{"hostname", record.name}, {"from", holder->tunnel}});
  co_return true;
}

net::Task<void> TakeOver::watch() {
  const auto pause = std::max<std::chrono::milliseconds>(context_.options.poll_interval, kShortestPause);
  while (!stopping_) {
    co_await net::sleep_for(pause);
    if (stopping_) co_return;
    const auto looked = co_await look();
    if (!looked)
      log::warning("cannot tell who holds the host name",
                   {{"hostname", context_.options.hostname}, {"why", looked.error().message}});
  }
}

net::Task<Result<void>> TakeOver::look() {
  const auto record = co_await tunnels_.find_dns(context_.options.hostname);
  if (!record) co_return tl::unexpected(record.error());
  if (*record && tunnel_.has(**record)) co_return Result<void>();
  if (!*record) {
    log::warning("the host name's DNS record is gone; making it again", {{"hostname", context_.options.hostname}});
    co_return co_await tunnel_.publish();
  }
  const auto holder = co_await ask();
  if (!holder)
    co_return wrap(holder.error(), "its record leads to another tunnel, and who answers does not prove itself");
  // The edge may need a moment to follow the record: then we have asked ourselves.
  if (holder->kid == context_.cp_key.kid()) co_return Result<void>();
  if (!(*record)->comment.ends_with("tunnel=" + holder->tunnel))
    co_return fail(ErrorCode::conflict, "its record leads to another tunnel than " + holder->tunnel);
  if (own_.can_attest() && !holder->attested)
    co_return fail(ErrorCode::permission_denied, "it was taken by a control plane that is not attested");
  const auto noted = co_await tunnel_.note_replaced();
  if (!noted) co_return wrap(noted.error(), "cannot leave the host name to the control plane that has taken it");
  log::warning("another control plane has taken the host name; leaving",
               {{"hostname", context_.options.hostname}, {"to", holder->tunnel}});
  stopping_ = true;
  leave_();
  co_return Result<void>();
}

}  // namespace dd::cp
