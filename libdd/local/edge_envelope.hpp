// Cloudflare's answer envelope.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "libdd/net/http_server.hpp"

namespace dd::local {

[[nodiscard]] net::ServerResponse cf_result(nlohmann::json result);
[[nodiscard]] net::ServerResponse cf_error(int status, int code, const std::string& message);
/// The page that the request's `page` and `per_page` ask for; small pages by default, as the real one.
[[nodiscard]] net::ServerResponse cf_page(const std::vector<nlohmann::json>& items, const net::ServerRequest& request);

}  // namespace dd::local
