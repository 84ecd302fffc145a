// Property: a proof of who holds the host name is accepted only with a statement, two keys of their kinds and, if any, whole evidence; it is
// written back as it was read; a refusal names a path.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include <nlohmann/json.hpp>

#include "libdd/core/json.hpp"
#include "libdd/protocol/holder.hpp"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto value = dd::parse_json(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!value) return 0;
  if (const auto proof = dd::protocol::holder_proof_from(*value)) {
    require(!proof->statement.empty());
    require(!proof->evidence || (!proof->evidence->ita_token.empty() && proof->evidence->nonce.size() >= 16));
    require(dd::protocol::holder_proof_from(dd::protocol::to_json_value(*proof)).value() == *proof);
  } else {
    require(proof.error().path.starts_with("$"));
  }
  if (const auto claims = dd::protocol::holder_claims_from(*value)) require(!claims->tunnel.empty());
  return 0;
}
