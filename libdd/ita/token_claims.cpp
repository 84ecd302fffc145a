#include "libdd/ita/token_claims.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "libdd/attest/tcb_status.hpp"
#include "libdd/core/json.hpp"

namespace dd::ita {
namespace {

constexpr std::int64_t kLatestTime = std::int64_t{1} << 53;
constexpr std::string_view kGenuineType = "TDX";

#ifdef DD_SIMULATION
constexpr bool kSimulationBuilt = true;
#else
constexpr bool kSimulationBuilt = false;
#endif

tl::unexpected<Error> refuse_claim(Error error) {
  error.code = ErrorCode::unauthenticated;
  if (error.reason.empty()) error.reason = kTokenInvalid;
  return wrap(std::move(error), "cannot accept token");
}

tl::unexpected<Error> refuse_claim(std::string path, std::string problem, const char* reason = kTokenInvalid) {
  problem = "cannot accept token: " + path + ": " + problem;
  return tl::unexpected<Error>(Error{ErrorCode::unauthenticated, std::move(problem), std::move(path), reason});
}

bool is_tdx_claim(std::string_view name) {
  return name.starts_with("tdx_") || name.starts_with("attester_") || name == "dbgstat";
}

/// Where the claims of the TD stand.
struct Body {
  const Json* value = nullptr;
  std::string path;
};

Result<Body> find_body(const Json& payload) {
  if (!payload.is_object()) return refuse_claim("$", "want an object");
  const auto tdx = payload.find("tdx");
  for (const auto& [name, value] : payload.items()) {
    if (name == "sgx" || name.starts_with("sgx_")) return refuse_claim("$." + name, "evidence of SGX, want TDX alone");
    if (tdx != payload.end() && is_tdx_claim(name))
      return refuse_claim("$." + name, "stands beside $.tdx; one of both versions, not both");
  }
  if (tdx == payload.end()) return Body{&payload, "$"};
  return Body{&*tdx, "$.tdx"};
}

/// ObjectReader takes null for absent; a claim that is null is not.
bool is_null(const Json& object, const char* name) {
  const auto member = object.find(name);
  return member != object.end() && member->is_null();
}

struct Times {
  std::int64_t issued_at = 0;
  std::int64_t expires_at = 0;
  std::int64_t not_before = 0;
};

Result<Times> read_times(const Json& payload) {
  ObjectReader reader(payload, "$");
  Times times;
  times.expires_at = reader.integer("exp", 0, kLatestTime);
  times.issued_at = reader.integer("iat", 0, kLatestTime);
  if (is_null(payload, "nbf")) reader.problem("nbf", ErrorCode::malformed, "want an integer or nothing");
  times.not_before = reader.optional_integer("nbf", 0, kLatestTime).value_or(times.issued_at);
  if (reader.error()) return refuse_claim(*reader.error());
  return times;
}

/// Every time is at most 2^53, so no sum of them overflows.
Result<void> check_times(const Times& times, const TokenRules& rules) {
  const auto leeway = rules.leeway.count();
  if (times.issued_at > times.expires_at) return refuse_claim("$.iat", "later than exp");
  if (times.expires_at - times.issued_at > rules.longest_life.count())
    return refuse_claim("$.exp", "a life of " + std::to_string(times.expires_at - times.issued_at) +
                                     " s, want at most " + std::to_string(rules.longest_life.count()));
  if (times.issued_at > rules.now + leeway)
    return refuse_claim("$.iat", std::to_string(times.issued_at - rules.now) + " s in the future");
  if (times.not_before > rules.now + leeway)
    return refuse_claim("$.nbf", std::to_string(times.not_before - rules.now) + " s in the future");
  if (times.expires_at < rules.now - leeway)
    return refuse_claim("$.exp", "expired " + std::to_string(rules.now - times.expires_at) + " s ago", kTokenExpired);
  return {};
}

/// Exact text: no prefix, case or slash tolerance.
Result<void> check_issuer(const Json& payload, const std::string& want) {
  const auto member = payload.find("iss");
  const auto* text = member == payload.end() ? nullptr : member->get_ptr<const std::string*>();
  if (text == nullptr) return refuse_claim("$.iss", "want the text \"" + want + "\"");
  if (*text != want) return refuse_claim("$.iss", "\"" + text->substr(0, 256) + "\", want \"" + want + "\"");
  return {};
}

template <std::size_t N>
void read_into(ObjectReader& reader, const char* name, std::array<std::byte, N>& out) {
  const auto bytes = reader.hex(name, N);
  if (bytes.size() == N) std::ranges::copy(bytes, out.begin());
}

/// ITA writes the attribute fields as the quote has them: eight bytes, the lowest first.
std::uint64_t read_attributes(ObjectReader& reader, const char* name) {
  std::uint64_t out = 0;
  const auto bytes = reader.hex(name, 8);
  for (std::size_t i = 0; i < bytes.size(); ++i) out |= std::to_integer<std::uint64_t>(bytes[i]) << (8 * i);
  return out;
}

Result<TdReport> read_report(const Body& body) {
  ObjectReader reader(*body.value, body.path);
  TdReport report;
  read_into(reader, "tdx_tee_tcb_svn", report.tee_tcb_svn);
  read_into(reader, "tdx_mrseam", report.mrseam);
  read_into(reader, "tdx_mrsignerseam", report.mrsignerseam);
  report.seam_attributes = read_attributes(reader, "tdx_seam_attributes");
  report.td_attributes = read_attributes(reader, "tdx_td_attributes");
  report.xfam = read_attributes(reader, "tdx_xfam");
  read_into(reader, "tdx_mrtd", report.mrtd);
  read_into(reader, "tdx_mrconfigid", report.mrconfigid);
  read_into(reader, "tdx_mrowner", report.mrowner);
  read_into(reader, "tdx_mrownerconfig", report.mrownerconfig);
  constexpr std::array kRtmrs = {"tdx_rtmr0", "tdx_rtmr1", "tdx_rtmr2", "tdx_rtmr3"};
  for (std::size_t i = 0; i < kRtmrs.size(); ++i) read_into(reader, kRtmrs[i], report.rtmr[i]);
  read_into(reader, "tdx_report_data", report.report_data);
  if (reader.error()) return refuse_claim(*reader.error());
  return report;
}

/// True when any of them says so. One that is there and unreadable is a refusal, not a "no".
Result<bool> read_debug(const Body& body) {
  constexpr TextRule kDebugStatus{7, 8, [](std::string_view text) { return text == "enabled" || text == "disabled"; },
                                  "\"enabled\" or \"disabled\""};
  ObjectReader reader(*body.value, body.path);
  bool debug = false;
  for (const auto* name : {"tdx_is_debuggable", "tdx_td_attributes_debug"}) {
    if (is_null(*body.value, name)) reader.problem(name, ErrorCode::malformed, "want true or false");
    debug |= reader.boolean(name, false);
  }
  if (is_null(*body.value, "dbgstat")) reader.problem("dbgstat", ErrorCode::malformed, "want a text");
  debug |= reader.optional_text("dbgstat", kDebugStatus).value_or("disabled") == "enabled";
  if (reader.error()) return refuse_claim(*reader.error());
  return debug;
}

Result<void> read_attester(const Body& body, TdxClaims& out) {
  ObjectReader reader(*body.value, body.path);
  out.attester_type = reader.text("attester_type", {1, 64});
  out.tcb_status = reader.text("attester_tcb_status", {1, 64});
  out.advisory_ids = reader.texts("attester_advisory_ids", 256, {1, 64});
  if (reader.error()) return refuse_claim(*reader.error());
  if (out.tcb_status == "Revoked")
    return refuse_claim(body.path + ".attester_tcb_status", "the platform's TCB is Revoked");
  if (!attest::acceptable_tcb_status(out.tcb_status))
    return refuse_claim(body.path + ".attester_tcb_status", "\"" + out.tcb_status + "\" is no TCB status");
  return {};
}

/// A simulator's word counts only in a build and under an option that say so; the debug bit counts only with such a word.
Result<void> check_kind(const Body& body, const TokenRules& rules, TdxClaims& claims) {
  const bool genuine = claims.attester_type == kGenuineType;
  const bool simulation = kSimulationBuilt && rules.simulated;
  if (claims.attester_type != rules.attester_type || (!genuine && !simulation))
    return refuse_claim(body.path + ".attester_type",
                        "\"" + claims.attester_type + "\", want \"" +
                            (simulation ? rules.attester_type : std::string(kGenuineType)) + "\"");
  claims.simulated = !genuine;
  if (claims.debug && genuine)
    return refuse_claim(body.path + ".tdx_td_attributes", "a TD under debug: its host can read and change it");
  return {};
}

bool names_data(const Json& payload, const Body& body) {
  constexpr std::array kNames = {"attester_held_data", "attester_runtime_data", "attester_user_data"};
  return std::ranges::any_of(kNames,
                             [&](const char* name) { return payload.contains(name) || body.value->contains(name); });
}

}  // namespace

Result<TdxClaims> read_token_claims(const Json& payload, const TokenRules& rules) {
  const auto body = find_body(payload);
  if (!body) return tl::unexpected(body.error());
  if (const auto issuer = check_issuer(payload, rules.issuer); !issuer) return tl::unexpected(issuer.error());
  const auto times = read_times(payload);
  if (!times) return tl::unexpected(times.error());

  TdxClaims claims;
  claims.issuer = rules.issuer;
  claims.issued_at = times->issued_at;
  claims.expires_at = times->expires_at;
  ObjectReader top(payload, "$");
  claims.token_id = top.optional_text("jti", {1, 256}).value_or("");
  if (top.error()) return refuse_claim(*top.error());
  if (const auto attester = read_attester(*body, claims); !attester) return tl::unexpected(attester.error());

  auto report = read_report(*body);
  if (!report) return tl::unexpected(std::move(report).error());
  claims.report = *std::move(report);
  const auto debug = read_debug(*body);
  if (!debug) return tl::unexpected(debug.error());
  claims.debug = *debug || claims.report.debug();
  claims.names_data = names_data(payload, *body);
  if (const auto kind = check_kind(*body, rules, claims); !kind) return tl::unexpected(kind.error());
  // Last, so that "expired" means: good otherwise.
  if (const auto fresh = check_times(*times, rules); !fresh) return tl::unexpected(fresh.error());
  return claims;
}

}  // namespace dd::ita
