#include <algorithm>

#include "dd/workload.hpp"

namespace dd {
namespace {

constexpr bool is_lower_alnum(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

// One DNS label of ours: ^[a-z0-9]([a-z0-9-]{0,most-2}[a-z0-9])?$
bool is_label(std::string_view text, std::size_t most) noexcept {
  if (text.empty() || text.size() > most) return false;
  if (!is_lower_alnum(text.front()) || !is_lower_alnum(text.back())) return false;
  return std::ranges::all_of(text, [](char c) { return is_lower_alnum(c) || c == '-'; });
}

}  // namespace

// The runtime names log files and directories after it, so neither '/' nor a leading dot may occur.
bool valid_app_name(std::string_view name) noexcept {
  if (name.empty() || name.size() > 63 || !is_lower_alnum(name.front())) return false;
  return std::ranges::all_of(name, [](char c) { return is_lower_alnum(c) || c == '.' || c == '_' || c == '-'; });
}

bool valid_hostname_label(std::string_view label) noexcept { return is_label(label, 32); }

bool valid_vm_name(std::string_view name) noexcept { return is_label(name, 63); }

bool valid_env_label(std::string_view label) noexcept { return is_label(label, 17); }

}  // namespace dd
