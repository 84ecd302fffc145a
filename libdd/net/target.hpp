// The request target of HTTP/1.1 (RFC 9112, 3.2) taken apart, and route patterns matched against it. Free of Asio.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dd/error.hpp"

namespace dd::net {

struct Target {
  std::string path;  // percent-decoded; no segment holds an encoded '/'
  std::vector<std::pair<std::string, std::string>> query;
};

/// Origin form, or absolute form with its scheme and authority dropped. The path is split before it is decoded, so an encoded
/// slash cannot make a segment. Errors: malformed on another form, a bad escape, an encoded slash or control character, and "." or ".." as a
/// segment: nobody then has to ask what a path means after somebody else's normalisation.
[[nodiscard]] Result<Target> parse_target(std::string_view text);

/// The fields of application/x-www-form-urlencoded, in order; '+' is a blank. Errors: malformed on a bad escape.
[[nodiscard]] Result<std::vector<std::pair<std::string, std::string>>> parse_form_fields(std::string_view text);

/// "/logs/{app}" → {"logs", "{app}"}; "/" → {}.
[[nodiscard]] std::vector<std::string> split_path(std::string_view path);
[[nodiscard]] bool is_placeholder(std::string_view segment) noexcept;

/// The values of the placeholders when every segment fits; a placeholder takes one whole segment, never an empty one.
[[nodiscard]] std::optional<std::vector<std::string>> match_segments(const std::vector<std::string>& pattern,
                                                                     const std::vector<std::string>& path);

}  // namespace dd::net
