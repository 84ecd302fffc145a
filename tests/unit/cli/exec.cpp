// ddctl exec: what is printed where, and with which status it ends.
#include <doctest/doctest.h>

#include "tests/unit/cli/served_fleet.hpp"

using namespace dd;
using cli::ddctl;

TEST_CASE("ddctl exec prints both streams as they are and ends as the command did") {
  cli::ServedFleet fleet;
  fleet.exec = {{"ok", true}, {"id", "e-1"}, {"exit_code", 3}, {"stdout", "out\x1b[0m"}, {"stderr", "err"}};
  const auto said = ddctl({"exec", "--app", "app", "--timeout", "5", "--", "ls", "-l"});
  CHECK(said.code == 3);
  CHECK(said.out == "out\x1b[0m");
  CHECK(said.err == "err");
  CHECK(Json::parse(fleet.exec_asked) == Json{{"cmd", {"ls", "-l"}}, {"app", "app"}, {"timeout_secs", 5}});
}

TEST_CASE("ddctl exec tells a signal as a shell does, and in JSON as it is") {
  cli::ServedFleet fleet;
  fleet.exec = {{"ok", true},    {"id", "e-1"},  {"exit_code", -1},  {"signal", 9},
                {"stdout", "o"}, {"stderr", ""}, {"truncated", true}};
  const auto said = ddctl({"exec", "--privileged", "--", "true"});
  CHECK(said.code == 137);
  CHECK(said.err.find("the rest is lost") != std::string::npos);
  CHECK(Json::parse(fleet.exec_asked).at("privileged") == true);
  const auto json = ddctl({"exec", "-o", "json", "--", "true"});
  CHECK(json.code == 137);
  CHECK(Json::parse(json.out) ==
        Json{{"id", "e-1"}, {"signal", 9}, {"stdout", "o"}, {"stderr", ""}, {"truncated", true}});
}

TEST_CASE("what ddctl itself cannot do is 125, in exec and in shell") {
  cli::ServedFleet fleet;
  fleet.exec = {{"ok", true}};
  const std::vector<std::vector<std::string>> rows = {{"exec", "--", "true"},
                                                      {"exec", "--agent", "nobody", "--", "true"},
                                                      {"exec"},
                                                      {"exec", "--timeout", "0", "--", "true"},
                                                      {"exec", "--bad"},
                                                      {"shell"},
                                                      {"shell", "app"},
                                                      {"shell", "app", "--agent", "nobody"}};
  for (const auto& row : rows) {
    CAPTURE(row.size());
    const auto said = ddctl(row);
    CHECK(said.code == 125);
    CHECK(said.out.empty());
    CHECK_FALSE(said.err.empty());
  }
  CHECK(ddctl({"exec", "--help"}).code == 0);
}
