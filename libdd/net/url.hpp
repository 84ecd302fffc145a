// Absolute http and https URLs (RFC 3986), as configuration and redirects carry them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "dd/error.hpp"

namespace dd::net {

struct Url {
  std::string scheme;  // "http" or "https"
  std::string host;    // lower case; an IPv6 address keeps its brackets
  std::uint16_t port = 0;
  std::string target = "/";  // path with query, starts with '/'

  /// scheme://host[:port] in lower case, default port left out (cp_origin of docs/wire.md, 1).
  [[nodiscard]] std::string origin() const;
  /// host[:port], default port left out: the value of a Host header.
  [[nodiscard]] std::string authority() const;
  /// origin() and target.
  [[nodiscard]] std::string text() const;

  bool operator==(const Url&) const = default;
};

/// A fragment is dropped. Errors: invalid_argument when there is another scheme, a user name or password, no host, a port outside 1..65535, or
/// a character that a URL may not have.
[[nodiscard]] Result<Url> parse_url(std::string_view text);

/// `origin`, which parse_url() has read before, of another host: with its scheme and port.
[[nodiscard]] std::string origin_of_host(std::string_view origin, std::string hostname);

/// What `reference` (the Location of a redirect) means at `base` (RFC 3986, 5.2, without dot segments). Errors: as parse_url.
[[nodiscard]] Result<Url> resolve_url(const Url& base, std::string_view reference);

/// Everything but unreserved characters becomes %XX: for one path segment or one query value.
[[nodiscard]] std::string percent_encode(std::string_view text);
/// Errors: malformed on a '%' without two hex digits.
[[nodiscard]] Result<std::string> percent_decode(std::string_view text);

/// True for "localhost", 127.0.0.0/8 and [::1]; a name below ".localhost" is not: an edge may serve it.
[[nodiscard]] bool is_loopback(std::string_view host);

}  // namespace dd::net
