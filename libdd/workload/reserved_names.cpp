#include "libdd/workload/reserved_names.hpp"

#include <algorithm>
#include <array>

namespace dd {
namespace {

constexpr std::array<std::string_view, 7> kPlatformNames = {"cloudflared",   "connector",  "dd-agent",   "dd-cp",
                                                            "dd-management", "dd-enclave", "easyenclave"};

std::string_view without_last_dots(std::string_view name) noexcept {
  return name.substr(0, name.find_last_not_of('.') + 1);
}

}  // namespace

bool is_platform_name(std::string_view app_name) noexcept {
  return std::ranges::any_of(kPlatformNames, [app_name](auto name) { return is_same_name(app_name, name); });
}

bool is_same_name(std::string_view one, std::string_view other) noexcept {
  return without_last_dots(one) == without_last_dots(other);
}

}  // namespace dd
