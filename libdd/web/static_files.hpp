// The files that our pages load, embedded at build time from libdd/web/static/.
#pragma once

#include <span>
#include <string_view>

#include "libdd/net/http_server.hpp"

namespace dd::web {

struct StaticFile {
  std::string_view name;  // "style.css"
  std::string_view content_type;
  std::string_view content;
};

/// All of them. Live for the whole program.
[[nodiscard]] std::span<const StaticFile> static_files() noexcept;

/// GET /static/{file}, for anyone: there is nothing secret in them.
void add_static_routes(net::Router& router);

}  // namespace dd::web
