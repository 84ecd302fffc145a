// Property: a JWS that parse_jws accepts is written in one way only. Its parts, encoded again, are the text that was read; its algorithm is
// one that was asked for; and what it says is the strict reading of its payload.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include <nlohmann/json.hpp>

#include "libdd/core/json.hpp"
#include "libdd/crypto/jws.hpp"

using dd::crypto::Algorithm;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view compact(reinterpret_cast<const char*>(data), size);
  const auto jws = dd::crypto::parse_jws(compact, {Algorithm::eddsa, Algorithm::rs256, Algorithm::ps384});
  if (!jws) {
    require(jws.error().message.starts_with("cannot "));
    return 0;
  }
  require(jws->signing_input + "." + dd::to_base64url(jws->signature) == compact);
  require(jws->signing_input.ends_with("." + dd::to_base64url(dd::as_bytes(jws->payload))));
  require(!jws->kid.empty() && jws->kid.size() <= 256);
  require(jws->claims->is_object() && *jws->claims == dd::parse_json(jws->payload).value());

  // Each algorithm is accepted only by who asked for it.
  for (const auto one : {Algorithm::eddsa, Algorithm::rs256, Algorithm::ps384})
    require(dd::crypto::parse_jws(compact, {one}).has_value() == (one == jws->algorithm));
  return 0;
}
