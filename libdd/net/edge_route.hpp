// Which address a URL is connected to when DD_EDGE_URL is set. Free of the HTTP library.
#pragma once

#include <optional>
#include <string>

#include "libdd/net/url.hpp"

namespace dd::net {

/// Names that no resolver knows (below .localhost under glibc) are reached through the edge; the URL keeps saying who is meant.
struct EdgeRoute {
  std::optional<Url> edge;
  std::string domain;  // empty: every host but loopback addresses

  /// The origin to connect to for `url`.
  [[nodiscard]] std::string connect_to(const Url& url) const;
};

}  // namespace dd::net
