#include "libdd/enclave_client/evidence.hpp"

#include <utility>

#include <nlohmann/json.hpp>

#include "libdd/crypto/digest.hpp"

namespace dd::enclave_client {
namespace {

constexpr std::size_t kShortestNonce = 16;
constexpr std::size_t kLongestNonce = 64;

}  // namespace

Result<Bytes> evidence_nonce(const net::ServerRequest& request) {
  for (const auto& [name, value] : request.query)
    if (name != "nonce")
      return fail_at(ErrorCode::invalid_argument, name,
                     "cannot attest: " + name + " is not a parameter; report data is never taken from a caller");
  auto nonce = from_base64url(request.query_value("nonce").value_or(""));
  if (!nonce || nonce->size() < kShortestNonce || nonce->size() > kLongestNonce)
    return fail_at(ErrorCode::invalid_argument, "nonce", "cannot attest: nonce must be 16 to 64 bytes in base64url");
  return nonce;
}

net::Task<Result<protocol::Evidence>> gather_evidence(Capability& capability, Bytes nonce) {
  const auto keys = co_await capability.keys();
  if (!keys) co_return wrap(keys.error(), "cannot get the VM's keys");
  std::vector<Digest256> fields{crypto::sha256(nonce)};
  auto quote = co_await capability.quote(std::string(kAttestTag), std::move(fields));
  if (!quote) co_return wrap(quote.error(), "cannot get a quote");
  protocol::Evidence evidence;
  evidence.quote = std::move(quote->quote);
  evidence.runtime_data = std::move(quote->runtime_data);
  evidence.nonce = std::move(nonce);
  evidence.signing_key = keys->signing;
  evidence.sealing_key = keys->sealing;
  evidence.quoted_events = quote->quoted_events;
  evidence.log.total = evidence.quoted_events;
  evidence.log.head = quote->log_head;
  while (static_cast<std::int64_t>(evidence.log.events.size()) < evidence.quoted_events) {
    auto page = co_await capability.log(static_cast<std::int64_t>(evidence.log.events.size()));
    if (!page) co_return wrap(page.error(), "cannot read the event log");
    if (page->events.empty())
      co_return fail(ErrorCode::upstream, "cannot read the event log: it is shorter than what was quoted");
    for (auto& event : page->events) evidence.log.events.push_back(std::move(event));
  }
  evidence.log.events.resize(static_cast<std::size_t>(evidence.quoted_events));
  co_return evidence;
}

}  // namespace dd::enclave_client
