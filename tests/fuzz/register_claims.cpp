// Property: what is accepted, of a registration and of its head, is read back as it was when it is written, and its bound part can be hashed; a
// refusal names a path below the claims.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include <nlohmann/json.hpp>

#include "libdd/core/json.hpp"
#include "libdd/protocol/registration.hpp"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto value = dd::parse_json(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!value) return 0;
  if (const auto head = dd::protocol::register_head_from(*value)) {
    const auto same = dd::protocol::register_head_from(dd::protocol::to_json_value(*head));
    require(same.has_value() && *same == *head);
  }
  const auto claims = dd::protocol::register_claims_from(*value, "$.registration");
  if (!claims) {
    require(claims.error().path.starts_with("$.registration"));
    return 0;
  }
  const auto written = dd::protocol::to_json_value(*claims);
  const auto again = dd::protocol::register_claims_from(written, "$");
  require(again.has_value() && *again == *claims);
  require(dd::protocol::hashed_claims(written).has_value());
  return 0;
}
