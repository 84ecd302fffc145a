// Property: no set is accepted without a key, and it never gives a key for an algorithm outside RS256 and PS384.
#include <cstdint>
#include <cstdlib>

#include "libdd/jwks/key_set.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto set = dd::jwks::KeySet::parse(text);
  if (!set) {
    if (!set.error().message.starts_with("cannot read key set")) std::abort();
    return 0;
  }
  if (set->size() == 0 || set->size() > dd::jwks::KeySet::kMaxKeys) std::abort();
  if (set->find("a", dd::crypto::Algorithm::eddsa) || set->find("", dd::crypto::Algorithm::rs256)) std::abort();
  return 0;
}
