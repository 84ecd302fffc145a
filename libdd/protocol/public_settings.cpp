#include "libdd/protocol/public_settings.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "libdd/attest/loader_variables.hpp"
#include "libdd/crypto/digest.hpp"

namespace dd::protocol {
namespace {

static_assert(std::ranges::is_sorted(kPublicSettings));

std::string commitment(const std::string& name, const std::string& value, ByteView salt) {
  const std::byte separator{0};
  const auto mac = crypto::hmac_sha256(salt, {as_bytes(name), ByteView(&separator, 1), as_bytes(value)});
  return "hmac-sha256:" + to_hex(mac);
}

}  // namespace

nlohmann::json logged_environment(const Environment& environment, ByteView salt) {
  auto logged = nlohmann::json::object();
  for (const auto& [name, value] : environment)
    logged[name] = std::ranges::binary_search(kPublicSettings, name) || attest::names_code(name)
                       ? value
                       : commitment(name, value, salt);
  return logged;
}

}  // namespace dd::protocol
