// Property: a target that is accepted means one thing. Its path starts with '/', has no dot segment and no control
// character; encoding its segments again gives a target with the same path, and routing it never fails.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "libdd/net/ascii.hpp"
#include "libdd/net/target.hpp"
#include "libdd/net/url.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto target = dd::net::parse_target(text);
  if (!target) {
    if (target.error().code != dd::ErrorCode::malformed) std::abort();
    return 0;
  }
  if (!target->path.starts_with('/') || std::ranges::any_of(target->path, dd::net::is_control)) std::abort();
  std::string again;
  const auto segments = dd::net::split_path(target->path);
  for (const auto& segment : segments) {
    if (segment == "." || segment == "..") std::abort();
    again += "/" + dd::net::percent_encode(segment);
  }
  if (again.empty()) again = "/";
  const auto second = dd::net::parse_target(again);
  if (!second || second->path != target->path) std::abort();
  if (!segments.empty() && !dd::net::match_segments(segments, segments)) std::abort();
  return 0;
}
