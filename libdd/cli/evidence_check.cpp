#include "libdd/cli/evidence_check.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "dd/random.hpp"
#include "dd/report_data.hpp"
#include "libdd/cli/output.hpp"
#include "libdd/core/json.hpp"
#include "libdd/ita/verifier.hpp"
#include "libdd/net/blocking.hpp"
#include "libdd/net/http_client.hpp"
#include "libdd/net/url.hpp"
#include "libdd/protocol/fleet.hpp"

namespace dd::cli {
namespace {

constexpr std::size_t kNonceSize = 32;

tl::unexpected<Error> rejected(const std::string& what) {
  return fail(ErrorCode::permission_denied, "rejected", "cannot accept evidence: " + what);
}

Result<TdxClaims> verify_token(const FleetContext& context, const std::string& token) {
  net::HttpClientOptions client;
  client.ca_file = context.ca_file;
  const auto transport = net::make_http_transport(client);
  ita::VerifierOptions options;
  options.issuer = context.ita_issuer;
  options.jwks_url = context.ita_jwks_url;
  options.simulated = context.simulated;
  if (context.simulated) options.attester_type = "TDX-SIMULATED";
  return net::run_blocking([&]() -> net::Task<Result<TdxClaims>> {
    auto executor = co_await net::this_executor();
    ita::Verifier verifier(std::move(executor), transport, system_clock(), options);
    co_return co_await verifier.verify(token);
  });
}

Result<Findings> check(const FleetContext& context, const protocol::Evidence& evidence, ByteView nonce) {
  Findings findings;
  if (!std::ranges::equal(evidence.nonce, nonce)) return rejected("it answers another nonce");
  const auto quote = Quote::parse(evidence.quote);
  if (!quote) return rejected(quote.error().message);
  findings.passed.emplace_back("quote", "TDX version " + std::to_string(quote->header().version));
  EventLog log;
  if (auto replayed = log.append_foreign(std::span<const std::string>(evidence.log.events)); !replayed)
    return rejected(replayed.error().message);
  if (static_cast<std::int64_t>(log.size()) != evidence.quoted_events)
    return rejected("the event log is not the one that was quoted");
  const AttestBinding binding{Bytes(nonce.begin(), nonce.end()), evidence.signing_key.spki(),
                              evidence.sealing_key.spki(), log.head()};
  if (report_data_of(bound_data(binding)) != quote->report().report_data)
    return rejected("REPORTDATA is not made of this nonce, these keys and this event log");
  findings.passed.emplace_back("report data",
                               "bound to our nonce, the VM's keys and " + std::to_string(log.size()) + " events");
  auto claims = verify_token(context, evidence.ita_token);
  if (!claims) return wrap(claims.error(), "cannot accept evidence");
  if (claims->report.report_data != quote->report().report_data || claims->report.mrtd != quote->report().mrtd)
    return rejected("the token is of another quote");
  findings.passed.emplace_back("token", "issued by " + claims->issuer + ", TCB status " + claims->tcb_status);
  auto facts = log_facts(log);
  if (!facts) return rejected(facts.error().message);
  if (facts->rtmr3_extended && claims->report.rtmr[3] != log.head())
    return rejected("RTMR3 does not replay to the event log");
  findings.passed.emplace_back("event log", facts->rtmr3_extended
                                                ? "replays to RTMR3"
                                                : "vouched for by REPORTDATA alone: this kernel does not extend RTMR3");
  findings.claims = *std::move(claims);
  findings.facts = *std::move(facts);
  return findings;
}

/// "https://host/anything" or a name that the fleet knows.
Result<std::string> hostname_in(const FleetClient& client, const std::string& target) {
  if (target.find("://") != std::string::npos) {
    const auto url = net::parse_url(target);
    if (!url) return tl::unexpected(url.error());
    return url->host;
  }
  const auto agent = client.find_agent(target);
  if (!agent) return tl::unexpected(agent.error());
  return agent->hostname;
}

Result<protocol::Evidence> fetched(const FleetContext& context, const std::string& target, ByteView nonce) {
  const auto client = connect(context);
  if (!client) return tl::unexpected(client.error());
  const auto hostname = hostname_in(*client, target);
  if (!hostname) return tl::unexpected(hostname.error());
  const auto text = client->evidence(*hostname, nonce);
  if (!text) return tl::unexpected(text.error());
  const auto value = parse_json(*text, {.max_bytes = 16 * 1024 * 1024});
  if (!value) return tl::unexpected(value.error());
  return protocol::evidence_from(*value);
}

}  // namespace

int report(const EvidenceFailure& failure) {
  const int usual = report(failure.error);
  return failure.exit_code.value_or(usual);
}

tl::expected<Findings, EvidenceFailure> fetch_and_check(const FleetContext& context, const std::string& target) {
  std::array<std::byte, kNonceSize> nonce{};
  system_random().fill(nonce);
  const auto evidence = fetched(context, target, nonce);
  if (!evidence) return tl::unexpected(EvidenceFailure{evidence.error()});
  auto findings = check(context, *evidence, nonce);
  if (findings) return *std::move(findings);
  const int code = findings.error().code == ErrorCode::unavailable ? 1 : kRejected;
  return tl::unexpected(EvidenceFailure{std::move(findings).error(), code});
}

}  // namespace dd::cli
