#include "libdd/attest/privileged_event.hpp"

namespace dd::attest {

bool starts_privileged(ObjectReader& event) {
  const bool privileged = event.boolean("privileged", false);
  const bool has_token = event.boolean("inherit_token", false);
  const auto role = event.optional_text("role");
  return privileged || (has_token && role != "agent" && role != "cp");
}

}  // namespace dd::attest
