// Registrations with one credential or another.
#pragma once

#include <string>

#include "tests/unit/cp/vm.hpp"

namespace dd::cp {

/// From POST /api/invites.
inline std::string ticket(Room& room, const std::string& body = {}) {
  return body_of(room.as_owner("POST", "/api/invites", body)).at("ticket").get<std::string>();
}

inline Answer register_with(Room& room, Vm& vm, const std::string& credential,
                            const Json& token_claims = Json::object()) {
  return vm.submit(vm.claims_for(room.nonces.for_register(), token_claims), credential);
}

}  // namespace dd::cp
