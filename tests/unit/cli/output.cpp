#include "libdd/cli/output.hpp"

#include <unistd.h>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "tests/unit/cli/captured.hpp"

using namespace dd;
using namespace dd::cli;

TEST_CASE("nothing that can drive a terminal is printable") {
  const struct {
    std::string name;
    std::string text;
    std::string shown;
  } cases[] = {
      {"plain text", "vm-1 is healthy", "vm-1 is healthy"},
      {"other scripts", "gr\xc3\xbc\xc3\x9f dich \xe4\xbd\xa0\xe5\xa5\xbd \xf0\x9f\x9a\x80",
       "gr\xc3\xbc\xc3\x9f dich \xe4\xbd\xa0\xe5\xa5\xbd \xf0\x9f\x9a\x80"},
      {"an escape sequence", "\x1b[2J\x1b]0;title\x07", "?[2J?]0;title?"},
      {"line ends and tabs", "one\r\ntwo\tthree", "one??two?three"},
      {"NUL and DEL", std::string("a\0b\x7f", 4), "a?b?"},
      {"a control sequence introducer of C1",
       "\xc2\x9b"
       "31mred",
       "?31mred"},
      {"the first and the last of C1", "\xc2\x80\xc2\x9f\xc2\xa0", "??\xc2\xa0"},
      {"a bare byte of C1",
       "\x9b"
       "31m",
       "?31m"},
      {"bytes that are no UTF-8", "\xff\xc3(\xe4\xbd", "\?\?(\?\?"},
      {"an overlong escape", "\xc0\x9b[2J", "??[2J"},
      {"text that changes its direction",
       "a\xe2\x80\xae"
       "b\xe2\x81\xa6"
       "c",
       "a?b?c"},
      {"nothing", "", ""},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    CHECK(printable(c.text) == c.shown);
  }
}

TEST_CASE("a table has columns as wide as their widest cell, and cells that cannot drive the terminal") {
  Captured out(STDOUT_FILENO);
  print_table({"VM", "STATUS"}, {{"vm-1", "healthy"}, {"a-long-name", "\x1b[31mred"}, {"", ""}});
  const auto text = out.text();
  CHECK(text ==
        "VM           STATUS\n"
        "vm-1         healthy\n"
        "a-long-name  ?[31mred\n"
        "             \n");
}

TEST_CASE("a table without rows is its heading") {
  Captured out(STDOUT_FILENO);
  print_table({"VM", "STATUS"}, {});
  CHECK(out.text() == "VM  STATUS\n");
}

TEST_CASE("JSON with bytes that are no UTF-8 is still printed") {
  Captured out(STDOUT_FILENO);
  print_json({{"a", "\xff"}});
  CHECK(out.text() == "{\n  \"a\": \"\xef\xbf\xbd\"\n}\n");
}

TEST_CASE("an error goes to stderr with its place and reason, and has an exit code of its own") {
  const struct {
    ErrorCode code;
    int exit_code;
  } rows[] = {{ErrorCode::invalid_argument, 30}, {ErrorCode::malformed, 30},          {ErrorCode::too_large, 30},
              {ErrorCode::unsupported, 20},      {ErrorCode::deadline_exceeded, 124}, {ErrorCode::not_found, 1},
              {ErrorCode::unauthenticated, 1},   {ErrorCode::permission_denied, 1},   {ErrorCode::conflict, 1},
              {ErrorCode::rate_limited, 1},      {ErrorCode::unavailable, 1},         {ErrorCode::upstream, 1},
              {ErrorCode::internal, 1}};
  for (const auto& row : rows) {
    Captured out(STDOUT_FILENO);
    Captured err(STDERR_FILENO);
    const auto code = report(Error{row.code, "cannot do it:\nit is \x1b[31mred", "$.port", "port_in_use"});
    const auto said = err.text();
    const auto printed = out.text();
    CHECK(code == row.exit_code);
    CHECK(said == "ddctl: cannot do it:\nit is ?[31mred (at $.port) [port_in_use]\n");
    CHECK(printed.empty());
  }
}
