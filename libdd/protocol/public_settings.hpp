// Which settings of a workload the event log shows in clear (docs/wire.md, 10).
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "dd/bytes.hpp"

namespace dd::protocol {

/// A verifier must see these to judge what a VM was told: whose it is, whom it calls and whom it believes. A name is added only when its
/// value can never be a secret; what is not here, and names no code (libdd/attest/loader_variables.hpp), is a commitment. Sorted.
inline constexpr std::array kPublicSettings = {
    std::string_view("DD_ACCEPT_SIMULATED"),
    std::string_view("DD_ADDRESS"),
    std::string_view("DD_CA_FILE"),
    std::string_view("DD_CF_ACCOUNT_ID"),
    std::string_view("DD_CF_API_URL"),
    std::string_view("DD_CF_DOMAIN"),
    std::string_view("DD_CF_ZONE_ID"),
    std::string_view("DD_CP_ORIGIN"),
    std::string_view("DD_CP_TUNNEL"),
    std::string_view("DD_CP_URL"),
    std::string_view("DD_DELETE_AFTER"),
    std::string_view("DD_DEPLOY_WAIT"),
    std::string_view("DD_EDGE_URL"),
    std::string_view("DD_ENV"),
    std::string_view("DD_EXTRA_INGRESS"),
    std::string_view("DD_GITHUB_API_URL"),
    std::string_view("DD_HOSTNAME"),
    std::string_view("DD_INGRESS_STYLE"),
    std::string_view("DD_ITA_BASE_URL"),
    std::string_view("DD_ITA_ISSUER"),
    std::string_view("DD_ITA_JWKS_URL"),
    std::string_view("DD_OWNER"),
    std::string_view("DD_OWNER_ID"),
    std::string_view("DD_OWNER_KIND"),
    std::string_view("DD_POLICY"),
    std::string_view("DD_POLL_TIMEOUT"),
    std::string_view("DD_PORT"),
    std::string_view("DD_REFRESH_INTERVAL"),
    std::string_view("DD_SCRAPE_INTERVAL"),
    std::string_view("DD_STATE_DIR"),
    std::string_view("DD_STOP_GRACE"),
    std::string_view("DD_TOKEN_LEEWAY"),
    std::string_view("DD_VM_NAME"),
    std::string_view("DD_WATCH_INTERVAL"),
};

using Environment = std::vector<std::pair<std::string, std::string>>;

/// `{"NAME": value or "hmac-sha256:<hex>"}`. The commitment is HMAC-SHA-256(salt, name ‖ 0x00 ‖ value): without the salt, which never leaves
/// the runtime, nobody can try values.
[[nodiscard]] nlohmann::json logged_environment(const Environment& environment, ByteView salt);

}  // namespace dd::protocol
