#include "dd/error.hpp"

#include <array>
#include <utility>

namespace dd {
namespace {

struct CodeName {
  ErrorCode code;
  std::string_view name;
  int status;
};

constexpr std::array kCodes = {
    CodeName{ErrorCode::invalid_argument, "invalid_argument", 400},
    CodeName{ErrorCode::unauthenticated, "unauthenticated", 401},
    CodeName{ErrorCode::permission_denied, "permission_denied", 403},
    CodeName{ErrorCode::not_found, "not_found", 404},
    CodeName{ErrorCode::conflict, "conflict", 409},
    CodeName{ErrorCode::malformed, "malformed", 400},
    CodeName{ErrorCode::unsupported, "unsupported", 415},
    CodeName{ErrorCode::too_large, "too_large", 413},
    CodeName{ErrorCode::rate_limited, "rate_limited", 429},
    CodeName{ErrorCode::unavailable, "unavailable", 503},
    CodeName{ErrorCode::upstream, "upstream", 502},
    CodeName{ErrorCode::deadline_exceeded, "deadline_exceeded", 504},
    CodeName{ErrorCode::internal, "internal", 500},
};

}  // namespace

std::string_view to_string(ErrorCode code) noexcept {
  for (const auto& entry : kCodes)
    if (entry.code == code) return entry.name;
  return "internal";
}

int http_status(ErrorCode code) noexcept {
  for (const auto& entry : kCodes)
    if (entry.code == code) return entry.status;
  return 500;
}

ErrorCode error_code_from(std::string_view name) noexcept {
  for (const auto& entry : kCodes)
    if (entry.name == name) return entry.code;
  return ErrorCode::internal;
}

tl::unexpected<Error> fail(ErrorCode code, std::string message) {
  return tl::unexpected<Error>(Error{code, std::move(message), {}, {}});
}

tl::unexpected<Error> fail(ErrorCode code, std::string_view reason, std::string message) {
  return tl::unexpected<Error>(Error{code, std::move(message), {}, std::string(reason)});
}

tl::unexpected<Error> fail_at(ErrorCode code, std::string path, std::string message) {
  return tl::unexpected<Error>(Error{code, std::move(message), std::move(path), {}});
}

tl::unexpected<Error> wrap(Error error, std::string_view context) {
  error.message = std::string(context) + ": " + error.message;
  return tl::unexpected<Error>(std::move(error));
}

}  // namespace dd
