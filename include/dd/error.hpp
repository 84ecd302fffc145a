// Errors as values: what went wrong, said for an operator, with a code that a program can act on.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

namespace dd {

/// What the caller can do about a failure. Names and HTTP statuses are part of the API (docs/wire.md, 2).
enum class ErrorCode {
  invalid_argument,
  unauthenticated,
  permission_denied,
  not_found,
  conflict,
  malformed,
  unsupported,
  too_large,
  rate_limited,
  unavailable,
  upstream,
  deadline_exceeded,
  internal,
};

/// The name on the wire, e.g. "permission_denied".
[[nodiscard]] std::string_view to_string(ErrorCode code) noexcept;
/// The one HTTP status of a code, 400..504.
[[nodiscard]] int http_status(ErrorCode code) noexcept;
/// The code whose name is `name`; `internal` when there is none.
[[nodiscard]] ErrorCode error_code_from(std::string_view name) noexcept;

/// A failure. `message` is for an operator: it starts with "cannot" and never holds a secret.
struct Error {
  ErrorCode code = ErrorCode::internal;
  std::string message;
  /// JSON path of the field at fault ("$.expose[0].port"), or empty.
  std::string path = {};
  /// Stable word for programs that must tell two errors of one code apart ("nonce_spent"), or empty.
  std::string reason = {};
  /// When another try makes sense, as far as is known; 0: nobody said. An HTTP server says it in `Retry-After`.
  std::chrono::seconds retry_after{0};

  bool operator==(const Error&) const = default;
};

template <class T>
using Result = tl::expected<T, Error>;

/// An unexpected value to return from a function with a Result.
[[nodiscard]] tl::unexpected<Error> fail(ErrorCode code, std::string message);
/// The same with a reason for programs.
[[nodiscard]] tl::unexpected<Error> fail(ErrorCode code, std::string_view reason, std::string message);
/// The same for a field of a JSON document.
[[nodiscard]] tl::unexpected<Error> fail_at(ErrorCode code, std::string path, std::string message);
/// Puts `context` in front of the message and keeps code, path and reason. Once per module boundary.
[[nodiscard]] tl::unexpected<Error> wrap(Error error, std::string_view context);

}  // namespace dd
