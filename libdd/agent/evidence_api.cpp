#include "libdd/agent/evidence_api.hpp"

#include <nlohmann/json.hpp>

#include "libdd/agent/owner_auth.hpp"
#include "libdd/core/json.hpp"
#include "libdd/crypto/digest.hpp"
#include "libdd/protocol/fleet.hpp"

namespace dd::agent {
namespace {

constexpr std::size_t kShortestNonce = 16;
constexpr std::size_t kLongestNonce = 64;

}  // namespace

void EvidenceApi::add_routes(net::Router& router) {
  net::RouteOptions owner;
  owner.authenticate = owner_only(context_);
  router.add("GET", "/attest", [this](const net::ServerRequest& request) { return attest(request); }, std::move(owner));
}

net::Task<Result<net::ServerResponse>> EvidenceApi::attest(const net::ServerRequest& request) {
  for (const auto& [name, value] : request.query)
    if (name != "nonce")
      co_return fail_at(ErrorCode::invalid_argument, name,
                        "cannot attest: " + name + " is not a parameter; report data is never taken from a caller");
  auto nonce = from_base64url(request.query_value("nonce").value_or(""));
  if (!nonce || nonce->size() < kShortestNonce || nonce->size() > kLongestNonce)
    co_return fail_at(ErrorCode::invalid_argument, "nonce", "cannot attest: nonce must be 16 to 64 bytes in base64url");

  std::vector<Digest256> fields{crypto::sha256(*nonce)};
  auto quote = co_await context_.capability.quote(std::string(kAttestTag), std::move(fields));
  if (!quote) co_return wrap(quote.error(), "cannot get a quote");
  protocol::Evidence evidence;
  evidence.quote = quote->quote;
  evidence.runtime_data = quote->runtime_data;
  evidence.nonce = *std::move(nonce);
  evidence.signing_key = context_.state.keys.signing;
  evidence.sealing_key = context_.state.keys.sealing;
  evidence.quoted_events = quote->quoted_events;
  auto token = co_await context_.minter.mint(std::move(quote->quote), std::move(quote->runtime_data));
  if (!token) co_return wrap(token.error(), "cannot mint a token");
  evidence.ita_token = *std::move(token);
  evidence.log.total = evidence.quoted_events;
  evidence.log.head = quote->log_head;
  while (static_cast<std::int64_t>(evidence.log.events.size()) < evidence.quoted_events) {
    auto page = co_await context_.capability.log(static_cast<std::int64_t>(evidence.log.events.size()));
    if (!page) co_return wrap(page.error(), "cannot read the event log");
    if (page->events.empty())
      co_return fail(ErrorCode::upstream, "cannot read the event log: it is shorter than what was quoted");
    for (auto& event : page->events) evidence.log.events.push_back(std::move(event));
  }
  evidence.log.events.resize(static_cast<std::size_t>(evidence.quoted_events));
  co_return net::json_response(to_text(protocol::to_json_value(evidence)));
}

}  // namespace dd::agent
