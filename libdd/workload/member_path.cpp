#include "libdd/workload/member_path.hpp"

#include <algorithm>

namespace dd {
namespace {

constexpr std::size_t kMaxDepth = 64;
constexpr std::size_t kMaxPart = 255;
constexpr std::size_t kMaxTarget = 1024;

bool is_control(char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; }

/// Non-empty parts that are not ".".
std::vector<std::string> split(std::string_view path) {
  std::vector<std::string> parts;
  while (!path.empty()) {
    const auto part = path.substr(0, path.find('/'));
    path.remove_prefix(std::min(path.size(), part.size() + 1));
    if (!part.empty() && part != ".") parts.emplace_back(part);
  }
  return parts;
}

tl::unexpected<Error> refused(const char* why) {
  return fail(ErrorCode::invalid_argument, std::string("cannot unpack archive: a path in it ") + why);
}

}  // namespace

Result<std::vector<std::string>> parts_of_member(std::string_view path) {
  if (path.starts_with('/')) return refused("is absolute");
  if (std::ranges::any_of(path, is_control)) return refused("has a control character");
  auto parts = split(path);
  if (parts.size() > kMaxDepth) return refused("is over 64 folders deep");
  if (std::ranges::find(parts, "..") != parts.end()) return refused("has \"..\"");
  if (std::ranges::any_of(parts, [](const auto& part) { return part.size() > kMaxPart; }))
    return refused("has a name of over 255 bytes");
  return parts;
}

bool stays_inside(const std::vector<std::string>& link, std::string_view target) {
  if (link.empty() || target.empty() || target.starts_with('/') || target.size() > kMaxTarget) return false;
  if (std::ranges::any_of(target, is_control)) return false;
  const auto parts = split(target);
  const auto first_down = std::ranges::find_if(parts, [](const auto& part) { return part != ".."; });
  const auto ups = static_cast<std::size_t>(first_down - parts.begin());
  return ups < link.size() && std::find(first_down, parts.end(), "..") == parts.end();
}

}  // namespace dd
