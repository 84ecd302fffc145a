// What a test says of a call that was to fail. A failing check names the line that called, and what the call gave instead.
#pragma once

#include <doctest/doctest.h>

#include <source_location>
#include <string>
#include <string_view>

#include "dd/error.hpp"

namespace dd::test {

/// The error of `outcome`, which is to have this code.
template <class T>
const Error& check_code(const Result<T>& outcome, ErrorCode code,
                        std::source_location where = std::source_location::current()) {
  INFO("called at ", where.file_name(), ":", where.line());
  if (outcome.has_value()) FAIL("it succeeded, want ", std::string(to_string(code)));
  CAPTURE(outcome.error().message);
  CHECK(to_string(outcome.error().code) == to_string(code));
  return outcome.error();
}

/// Also with exactly this reason, none by default, and with these words in its message.
template <class T>
void check_error(const Result<T>& outcome, ErrorCode code, std::string_view reason = {}, std::string_view words = {},
                 std::source_location where = std::source_location::current()) {
  INFO("called at ", where.file_name(), ":", where.line());
  const auto& error = check_code(outcome, code, where);
  CAPTURE(error.message);
  CHECK(error.reason == reason);
  CHECK(error.message.find(words) != std::string::npos);
  CHECK(error.message.starts_with("cannot "));
}

template <class T>
void check_error_says(const Result<T>& outcome, ErrorCode code, std::string_view words,
                      std::source_location where = std::source_location::current()) {
  INFO("called at ", where.file_name(), ":", where.line());
  const auto& error = check_code(outcome, code, where);
  INFO("want in its message: ", std::string(words));
  CAPTURE(error.message);
  CHECK(error.message.find(words) != std::string::npos);
}

/// An error of input: `path` is where in it.
template <class T>
void check_error_at(const Result<T>& outcome, ErrorCode code, std::string_view path = {},
                    std::source_location where = std::source_location::current()) {
  INFO("called at ", where.file_name(), ":", where.line());
  const auto& error = check_code(outcome, code, where);
  CAPTURE(error.message);
  CHECK(error.path == path);
}

}  // namespace dd::test
