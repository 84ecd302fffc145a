// Tunnel names with the fleet's mark: what makes "only what is ours is ever deleted" checkable from the name alone.
#include <algorithm>
#include <array>

#include "dd/tunnel.hpp"
#include "libdd/crypto/digest.hpp"

namespace dd {
namespace {

constexpr std::size_t kUuidLength = 36;
constexpr std::size_t kMarkDigits = 12;
constexpr std::array<std::size_t, 4> kDashes{8, 13, 18, 23};

std::string prefix_of(std::string_view env, std::string_view kind) {
  return "dd-" + std::string(env) + "-" + std::string(kind) + "-";
}

/// Of everything in the name before its last twelve digits.
std::string mark_of(std::string_view unmarked, ByteView fleet_key) {
  const auto mac = crypto::hmac_sha256(fleet_key, {as_bytes(unmarked)});
  return to_hex(ByteView(mac).first(kMarkDigits / 2));
}

bool is_uuid(std::string_view text) {
  if (text.size() != kUuidLength) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = std::ranges::find(kDashes, i) != kDashes.end();
    const bool hex = (text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f');
    if (dash ? text[i] != '-' : !hex) return false;
  }
  return true;
}

}  // namespace

std::string make_tunnel_name(std::string_view env, std::string_view kind, ByteView fleet_key, Random& random) {
  std::array<std::byte, 10> bytes{};
  random.fill(bytes);
  // RFC 9562, 5.8: version 8 leaves the content to us.
  bytes[6] = (bytes[6] & std::byte{0x0f}) | std::byte{0x80};
  bytes[8] = (bytes[8] & std::byte{0x3f}) | std::byte{0x80};
  auto uuid = to_hex(bytes);
  for (const auto dash : kDashes) uuid.insert(dash, "-");
  auto name = prefix_of(env, kind) + uuid;
  name += mark_of(name, fleet_key);
  return name;
}

bool is_our_tunnel_name(std::string_view name, std::string_view env, std::string_view kind, ByteView fleet_key) {
  const auto prefix = prefix_of(env, kind);
  if (!name.starts_with(prefix) || !is_uuid(name.substr(prefix.size()))) return false;
  const auto unmarked = name.substr(0, name.size() - kMarkDigits);
  const auto mark = mark_of(unmarked, fleet_key);
  return constant_time_equal(as_bytes(name.substr(unmarked.size())), as_bytes(mark));
}

}  // namespace dd
