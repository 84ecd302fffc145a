#include "libdd/attest/fact_text.hpp"

#include <algorithm>

namespace dd::attest {
namespace {

constexpr std::string_view kSha256 = "sha256:";
constexpr std::string_view kHexDigits = "0123456789abcdef";

char lower_char(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

bool is_digest(std::string_view text) {
  return text.size() == kSha256.size() + 64 && text.starts_with(kSha256) &&
         text.find_first_not_of(kHexDigits, kSha256.size()) == std::string_view::npos;
}

std::string origin_of(std::string_view url) {
  std::string origin(url);
  std::ranges::transform(origin, origin.begin(), lower_char);
  const auto scheme_end = origin.find("://");
  if (scheme_end == std::string::npos) return origin;
  origin.resize(std::min(origin.size(), origin.find_first_of("/?#", scheme_end + 3)));
  const bool default_port = (origin.starts_with("https://") && origin.ends_with(":443")) ||
                            (origin.starts_with("http://") && origin.ends_with(":80"));
  if (default_port) origin.resize(origin.rfind(':'));
  return origin;
}

}  // namespace dd::attest
