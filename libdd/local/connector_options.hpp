// cloudflared's flags, as far as an agent uses them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dd/error.hpp"

namespace dd::local {

/// What a run token says.
struct RunToken {
  std::string account;
  std::string tunnel;
  std::string secret;
  std::string host;
  std::uint16_t port = 0;
};

struct ConnectorSettings {
  std::string metrics_host = "127.0.0.1";
  std::uint16_t metrics_port = 0;
  std::string token_file;
};

/// `tunnel [flags] run`. Errors: invalid_argument names the flag.
[[nodiscard]] Result<ConnectorSettings> parse_connector_arguments(const std::vector<std::string>& arguments);
/// Standard base64 of {"a","t","s","e"}. Errors: malformed; never shows the token.
[[nodiscard]] Result<RunToken> parse_run_token(std::string_view text);

}  // namespace dd::local
