#include "dd/bake.hpp"

#include <doctest/doctest.h>

#include <map>

using namespace dd;

namespace {

VariableLookup variables(std::map<std::string, std::string, std::less<>> values) {
  return [values = std::move(values)](std::string_view name) -> std::optional<std::string> {
    const auto found = values.find(name);
    return found == values.end() ? std::nullopt : std::optional(found->second);
  };
}

std::string baked(std::string_view text, std::map<std::string, std::string, std::less<>> values = {}) {
  const auto result = bake_template(text, variables(std::move(values)), Unset::empty);
  return result ? result->text : result.error().message;
}

}  // namespace

TEST_CASE("a baked template is compact and keeps the order of its members") {
  const auto text = baked(R"({ "env": ["MODEL=${MODEL}"],
    "cmd": [ "/bin/app", "--zone", "${ZONE_2}" ], "app_name": "app" })",
                          {{"MODEL", "small"}, {"ZONE_2", "a/b"}});
  CHECK(text == R"({"env":["MODEL=small"],"cmd":["/bin/app","--zone","a/b"],"app_name":"app"})");
}

TEST_CASE("a value stays the string that it is, whatever it is made of") {
  const std::string hostile = "\"],\"privileged\":true,\"x\":[\"\\\n";
  CHECK(baked(R"({"app_name":"app","cmd":["a","${VALUE}"]})", {{"VALUE", hostile}}) ==
        R"({"app_name":"app","cmd":["a","\"],\"privileged\":true,\"x\":[\"\\\n"]})");
  CHECK(baked(R"({"app_name":"app","cmd":["a","${A}${B}"]})", {{"A", "${B}"}, {"B", "b"}}) ==
        R"({"app_name":"app","cmd":["a","${B}b"]})");
  CHECK(baked(R"({"app_name":"app","cmd":["a","${A}{B}"]})", {{"A", "$"}, {"B", "b"}}) ==
        R"({"app_name":"app","cmd":["a","${B}"]})");
}

TEST_CASE("dollars that belong to a shell stay") {
  const std::string text =
      R"({"app_name":"app","cmd":["sh","-c","$name ${lower} ${Mixed} ${1} ${A:-x} $((1+2)) $(date) $ ${ ${A ${} $${"]})";
  CHECK(baked(text, {{"A", "no"}, {"name", "no"}, {"lower", "no"}, {"1", "no"}}) == text);
}

TEST_CASE("only strings that are values are filled in, member names are not") {
  CHECK(baked(R"({"app_name":"app","cmd":["a"],"x-${A}":"${A}"})", {{"A", "1"}}) ==
        R"({"app_name":"app","cmd":["a"],"x-${A}":"1"})");
}

TEST_CASE("entries of env that stay without a value are left out, and no other") {
  const auto text =
      baked(R"({"app_name":"app","cmd":["a",""],"env":["A=${A}","B=${B}","C=","${NONE}","D==","=x","E=0"]})",
            {{"A", "1"}, {"B", ""}});
  CHECK(text == R"({"app_name":"app","cmd":["a",""],"env":["A=1","D==","E=0"]})");
}

TEST_CASE("a finished workload is printed compact with nothing filled in or left out") {
  const auto result = bake_workload(R"({ "cmd": ["a", "${A}"], "env": ["EMPTY="], "app_name": "app", "x": 1 })");
  REQUIRE(result.has_value());
  CHECK(result->text == R"({"cmd":["a","${A}"],"env":["EMPTY="],"app_name":"app","x":1})");
  CHECK(result->unknown == std::vector<std::string>{"x"});
}

TEST_CASE("a workload with members of a boot workload is checked as one") {
  const auto text = R"({"app_name":"dd-agent","cmd":["dd-agent"],"role":"agent","inherit_token":true})";
  const auto result = bake_workload(text);
  REQUIRE_MESSAGE(result, result.error().message);
  CHECK(result->text == text);
  CHECK(result->unknown.empty());
  for (const auto* refused :
       {R"({"app_name":"a","cmd":["a"],"role":"king"})", R"({"app_name":"a","cmd":["a"],"role":"agent","x":1})"})
    CHECK_FALSE(bake_workload(refused).has_value());
}

TEST_CASE("what cannot be baked is refused by name and without its value") {
  const struct {
    const char* name;
    const char* text;
    Unset unset;
    ErrorCode code;
    const char* says;
  } rows[] = {
      {"no JSON", "{", Unset::empty, ErrorCode::malformed, "cannot bake"},
      {"a placeholder outside of strings",
       R"({"app_name":"app","cmd":["a"],"expose":{"hostname_label":"a","port":${SECRET}}})", Unset::empty,
       ErrorCode::malformed, "cannot bake"},
      {"a member twice", R"({"app_name":"app","cmd":["a"],"cmd":["b"]})", Unset::empty, ErrorCode::malformed,
       "cannot bake"},
      {"no object", R"(["${SECRET}"])", Unset::empty, ErrorCode::malformed, "cannot bake"},
      {"an entry of env that is a number", R"({"app_name":"app","cmd":["a"],"env":[1]})", Unset::empty,
       ErrorCode::malformed, "cannot bake"},
      {"a name that the value makes bad", R"({"app_name":"${SECRET}","cmd":["a"]})", Unset::empty,
       ErrorCode::invalid_argument, "cannot bake: cannot read $.app_name"},
      {"a variable that is not set", R"({"app_name":"app","cmd":["a","${ABSENT}"]})", Unset::refuse,
       ErrorCode::not_found, "cannot bake: variable ABSENT is not set"},
      {"a value that is not UTF-8", R"({"app_name":"app","cmd":["a","${BYTES}"]})", Unset::empty,
       ErrorCode::invalid_argument, "cannot bake: the value of BYTES is not UTF-8"},
  };
  const auto lookup = variables({{"SECRET", "Hush! Hush!"}, {"BYTES", "\xff\xfe"}});
  for (const auto& row : rows) {
    CAPTURE(row.name);
    const auto result = bake_template(row.text, lookup, row.unset);
    REQUIRE_FALSE(result.has_value());
    CHECK(result.error().code == row.code);
    CHECK(result.error().message.starts_with(row.says));
    CHECK(result.error().message.find("Hush") == std::string::npos);
  }
}

TEST_CASE("a variable that is set to nothing is set") {
  CHECK(bake_template(R"({"app_name":"app","cmd":["a"],"env":["A=${A}"]})", variables({{"A", ""}}), Unset::refuse)
            .has_value());
}
