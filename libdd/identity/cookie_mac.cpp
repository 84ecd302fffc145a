#include "libdd/identity/cookie_mac.hpp"

#include <nlohmann/json.hpp>

#include "libdd/core/json.hpp"
#include "libdd/crypto/digest.hpp"

namespace dd::identity {
namespace {

constexpr std::int64_t kLastSecond = std::int64_t{1} << 53;

}  // namespace

CookieMac::CookieMac(Random& random) { random.fill(key_); }

std::string CookieMac::protect(Json value, std::int64_t expires_at) const {
  value["exp"] = expires_at;
  const auto said = to_base64url(as_bytes(to_text(value)));
  return said + "." + to_base64url(crypto::hmac_sha256(key_, {as_bytes(said)}));
}

Result<Json> CookieMac::read(std::string_view text, std::int64_t now) const {
  const auto refuse = [](const char* why) {
    return fail(ErrorCode::unauthenticated, "cannot go on with this sign-in: " + std::string(why) + ", start again");
  };
  const auto dot = std::min(text.find('.'), text.size());
  const auto said = text.substr(0, dot);
  const auto mac = from_base64url(text.substr(std::min(dot + 1, text.size())));
  if (!mac || !constant_time_equal(*mac, crypto::hmac_sha256(key_, {as_bytes(said)})))
    return refuse("it was not begun here");
  const auto bytes = from_base64url(said);
  auto value = bytes ? parse_json(as_text(*bytes)) : tl::unexpected(bytes.error());
  if (!value) return refuse("it was not begun here");
  ObjectReader reader(*value, "$");
  const auto expires_at = reader.integer("exp", 0, kLastSecond);
  if (reader.error() || expires_at <= now) return refuse("it took too long");
  return value;
}

}  // namespace dd::identity
