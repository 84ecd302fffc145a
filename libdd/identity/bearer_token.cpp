#include <algorithm>
#include <string_view>

#include "libdd/identity/pat_verifier.hpp"
#include "libdd/net/ascii.hpp"

namespace dd::identity {
namespace {

constexpr std::size_t kLongestBearer = 16 * 1024;
constexpr std::string_view kScheme = "bearer ";

/// RFC 6750, 2.1: b64token.
bool is_token_char(char c) { return net::is_alnum(c) || std::string_view("-._~+/=").find(c) != std::string_view::npos; }

Result<Secret> read_token(std::string_view token, const char* where) {
  if (token.empty() || token.size() > kLongestBearer || !std::ranges::all_of(token, is_token_char))
    return fail(ErrorCode::unauthenticated, "cannot read " + std::string(where) + ": want 1.." +
                                                std::to_string(kLongestBearer) +
                                                " characters of A-Z a-z 0-9 - . _ ~ + / = as token");
  return Secret(std::string(token));
}

}  // namespace

Result<Secret> bearer_token(const HttpHeaders& headers) {
  // Two would let a proxy check one of them and us believe the other.
  if (headers.count("Authorization") > 1)
    return fail(ErrorCode::unauthenticated, "cannot read Authorization: sent twice, want it once");
  const auto* value = headers.find("Authorization");
  if (value == nullptr)
    return fail(ErrorCode::unauthenticated, "cannot read Authorization: missing, want \"Bearer <token>\"");
  const std::string_view text = *value;
  if (!net::same_ignoring_case(text.substr(0, kScheme.size()), kScheme))
    return fail(ErrorCode::unauthenticated, "cannot read Authorization: want \"Bearer <token>\"");
  return read_token(text.substr(kScheme.size()), "Authorization");
}

Result<Secret> typed_token(std::string_view text) { return read_token(text, "the token"); }

}  // namespace dd::identity
