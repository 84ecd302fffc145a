// errno as an Error.
#pragma once

#include <cerrno>
#include <string>
#include <system_error>

#include "dd/error.hpp"

namespace dd::enclave {

/// "<what>: <text of errno>", with `unavailable`: what the kernel refuses today it may grant after someone acted.
[[nodiscard]] inline tl::unexpected<Error> system_failure(const std::string& what, int number = errno) {
  return fail(ErrorCode::unavailable, what + ": " + std::generic_category().message(number));
}

}  // namespace dd::enclave
