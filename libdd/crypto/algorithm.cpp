#include "libdd/crypto/algorithm.hpp"

namespace dd::crypto {

std::string_view to_string(Algorithm algorithm) noexcept {
  switch (algorithm) {
    case Algorithm::eddsa:
      return "EdDSA";
    case Algorithm::rs256:
      return "RS256";
    case Algorithm::ps384:
      return "PS384";
  }
  return "";
}

}  // namespace dd::crypto
