// ddctl bake with files and environment variables.
#include <doctest/doctest.h>

#include "tests/unit/cli/served_fleet.hpp"

using namespace dd;
using cli::ddctl;

TEST_CASE("ddctl bake fills a template from the environment and prints one line") {
  cli::Environment environment;
  environment.set("BAKE_MODEL", "a \"b\"");
  environment.unset("BAKE_ABSENT");
  const auto file =
      environment.home()
          .write("app.json.tmpl",
                 R"({"app_name": "app", "cmd": ["a"], "env": ["M=${BAKE_MODEL}", "N=${BAKE_ABSENT}"], "x": 1})")
          .string();
  const auto said = ddctl({"bake", file});
  CHECK(said.code == 0);
  CHECK(said.out == "{\"app_name\":\"app\",\"cmd\":[\"a\"],\"env\":[\"M=a \\\"b\\\"\"],\"x\":1}\n");
  CHECK(said.err == "warning: unknown member x\n");

  const auto strict = ddctl({"bake", "--strict", file});
  CHECK(strict.code != 0);
  CHECK(strict.out.empty());
  CHECK(strict.err == "ddctl: cannot bake: variable BAKE_ABSENT is not set\n");
}

TEST_CASE("ddctl bake fills in nothing in a file that is no template") {
  cli::Environment environment;
  environment.set("BAKE_MODEL", "filled");
  const auto file = environment.home().write("app.json", R"({ "app_name": "app", "cmd": ["${BAKE_MODEL}"] })").string();
  CHECK(ddctl({"bake", file}).out == "{\"app_name\":\"app\",\"cmd\":[\"${BAKE_MODEL}\"]}\n");
}

TEST_CASE("ddctl bake prints nothing on stdout when it cannot bake") {
  const cli::Environment environment;
  const auto folder = environment.home().path();
  const auto broken = environment.home().write("app.json", "{").string();
  const auto other = environment.home().write("app.yaml", R"({"app_name": "app", "cmd": ["a"]})").string();
  const struct {
    std::vector<std::string> arguments;
    int code;
  } rows[] = {{{"bake"}, 2},
              {{"bake", broken, broken}, 2},
              {{"bake", broken}, 30},
              {{"bake", other}, 30},
              {{"bake", folder / "absent.json"}, 1}};
  for (const auto& row : rows) {
    CAPTURE(row.arguments.size());
    const auto said = ddctl(row.arguments);
    CHECK(said.code == row.code);
    CHECK(said.out.empty());
    CHECK_FALSE(said.err.empty());
  }
}
