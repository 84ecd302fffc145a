// Property: whatever the payload, what is accepted as genuine is no debug TD, has a status that is not Revoked, and is in force now; a refusal
// says unauthenticated.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include <nlohmann/json.hpp>

#include "libdd/core/json.hpp"
#include "libdd/ita/token_claims.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto payload = dd::parse_json(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!payload) return 0;
  dd::ita::TokenRules rules;
  rules.issuer = "https://portal.trustauthority.intel.com";
  rules.now = 1'790'000'000;
  const auto claims = dd::ita::read_token_claims(*payload, rules);
  if (!claims) {
    if (claims.error().code != dd::ErrorCode::unauthenticated || claims.error().reason.empty()) std::abort();
    return 0;
  }
  const bool in_force = claims->issued_at <= rules.now + 60 && claims->expires_at >= rules.now - 60;
  if (claims->debug || claims->simulated || claims->tcb_status == "Revoked" || !in_force) std::abort();
  return 0;
}
