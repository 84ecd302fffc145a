#include "dd/error.hpp"

#include <doctest/doctest.h>

using namespace dd;

TEST_CASE("every code has the name and the HTTP status of docs/wire.md") {
  const struct {
    ErrorCode code;
    const char* name;
    int status;
  } cases[] = {
      {ErrorCode::invalid_argument, "invalid_argument", 400},
      {ErrorCode::unauthenticated, "unauthenticated", 401},
      {ErrorCode::permission_denied, "permission_denied", 403},
      {ErrorCode::not_found, "not_found", 404},
      {ErrorCode::conflict, "conflict", 409},
      {ErrorCode::malformed, "malformed", 400},
      {ErrorCode::unsupported, "unsupported", 415},
      {ErrorCode::too_large, "too_large", 413},
      {ErrorCode::rate_limited, "rate_limited", 429},
      {ErrorCode::unavailable, "unavailable", 503},
      {ErrorCode::upstream, "upstream", 502},
      {ErrorCode::deadline_exceeded, "deadline_exceeded", 504},
      {ErrorCode::internal, "internal", 500},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    CHECK(to_string(c.code) == c.name);
    CHECK(http_status(c.code) == c.status);
    CHECK(error_code_from(c.name) == c.code);
  }
}

TEST_CASE("a code that nobody knows is internal") {
  CHECK(error_code_from("teapot") == ErrorCode::internal);
  CHECK(error_code_from("") == ErrorCode::internal);
}

TEST_CASE("wrap puts context in front and keeps code, path and reason") {
  const Result<int> inner =
      tl::unexpected<Error>(Error{ErrorCode::conflict, "cannot take name", "$.vm_name", "name_held"});
  const Result<int> outer = wrap(inner.error(), "cannot register agent");
  REQUIRE_FALSE(outer.has_value());
  CHECK(outer.error() ==
        Error{ErrorCode::conflict, "cannot register agent: cannot take name", "$.vm_name", "name_held"});
}

TEST_CASE("fail carries a reason and fail_at a path") {
  const Result<int> spent = fail(ErrorCode::unauthenticated, "nonce_spent", "cannot register: nonce was used");
  CHECK(spent.error() == Error{ErrorCode::unauthenticated, "cannot register: nonce was used", "", "nonce_spent"});
  const Result<int> field = fail_at(ErrorCode::malformed, "$.port", "cannot read $.port");
  CHECK(field.error() == Error{ErrorCode::malformed, "cannot read $.port", "$.port", ""});
}
