#include "libdd/identity/local_path.hpp"

#include <algorithm>

namespace dd::identity {
namespace {

constexpr std::size_t kLongest = 2048;

bool is_plain(char c) { return c > ' ' && c < 0x7f && c != '\\'; }

}  // namespace

std::string local_path(std::string_view text) {
  const bool ours = text.starts_with('/') && !text.starts_with("//") && text.size() <= kLongest &&
                    std::ranges::all_of(text, is_plain);
  return ours ? std::string(text) : "/";
}

}  // namespace dd::identity
