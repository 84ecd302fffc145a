#include "libdd/cp/compat_vms.hpp"

#include <optional>

#include "dd/workload.hpp"
#include "libdd/core/rfc3339.hpp"

namespace dd::cp {
namespace {

struct Entry {
  std::string_view vm_name;
  std::int64_t until = 0;
};

std::optional<Entry> entry_of(std::string_view text) {
  const auto at = text.find('=');
  if (at == std::string_view::npos || !valid_vm_name(text.substr(0, at))) return std::nullopt;
  const auto until = from_rfc3339(text.substr(at + 1));
  if (!until) return std::nullopt;
  return Entry{text.substr(0, at), *until};
}

}  // namespace

Result<void> check_compat_vms(const std::vector<std::string>& entries) {
  for (const auto& text : entries)
    if (!entry_of(text))
      return fail(ErrorCode::invalid_argument,
                  "cannot use DD_COMPAT_VMS: \"" + text + "\" is no VM name with an end, as in vm-1=2026-12-31");
  return {};
}

Result<void> check_compat_vm(const std::vector<std::string>& entries, std::string_view vm_name, std::int64_t now) {
  const auto refuse = [&](const char* why) {
    return fail(ErrorCode::permission_denied,
                "cannot serve VM " + std::string(vm_name) + " without attestation: " + why);
  };
  for (const auto& text : entries) {
    const auto entry = entry_of(text);
    if (!entry || entry->vm_name != vm_name) continue;
    if (now < entry->until) return {};
    return refuse("its time in DD_COMPAT_VMS is over");
  }
  return refuse("DD_COMPAT_VMS does not name it");
}

}  // namespace dd::cp
