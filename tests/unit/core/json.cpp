#include "libdd/core/json.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace dd;

namespace {

std::string nested(std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

}  // namespace

TEST_CASE("parse_json reads every kind of value") {
  const auto value = parse_json(R"( {"a":[1,-2,3.5,"x\u00e9",true,false,null],"b":{"c":{}}} )");
  REQUIRE(value.has_value());
  CHECK(to_text(*value) == R"({"a":[1,-2,3.5,"xé",true,false,null],"b":{"c":{}}})");
}

TEST_CASE("parse_json refuses what two readers could understand differently") {
  const struct {
    const char* name;
    std::string text;
    const char* message;
  } cases[] = {
      {"nothing", "", "cannot parse JSON: syntax error at byte 1"},
      {"bytes behind", "{} {}", "cannot parse JSON: syntax error at byte 4"},
      {"cut short", R"({"a":)", "cannot parse JSON: syntax error at byte 6"},
      {"comment", "/**/1", "cannot parse JSON: syntax error at byte 1"},
      {"trailing comma", "[1,]", "cannot parse JSON: syntax error at byte 4"},
      {"byte order mark", "\xef\xbb\xbf{}", "cannot parse JSON: byte order mark"},
      {"zero byte behind", std::string("1\0x", 3), "cannot parse JSON: syntax error at byte 2"},
      {"NaN", "NaN", "cannot parse JSON: syntax error at byte 1"},
      {"number beyond double", "1e999", "cannot parse JSON: syntax error at byte 5"},
      {"overlong UTF-8", "\"\xc0\xaf\"", "cannot parse JSON: syntax error at byte 2"},
      {"UTF-8 surrogate", "\"\xed\xa0\x80\"", "cannot parse JSON: syntax error at byte 3"},
      {"lone escaped surrogate", R"("\ud800")", "cannot parse JSON: syntax error at byte 8"},
      {"name twice", R"({"a":1,"a":1})", R"(cannot parse JSON: member "a" occurs twice in one object)"},
      {"name twice through an escape", R"({"sub":1,"s\u0075b":2})",
       R"(cannot parse JSON: member "sub" occurs twice in one object)"},
      {"name twice far inside", R"({"a":[{"b":{"c":1,"d":2,"c":3}}]})",
       R"(cannot parse JSON: member "c" occurs twice in one object)"},
      {"name twice with a line break", R"({"\n":1,"\n":2})",
       R"(cannot parse JSON: member "\n" occurs twice in one object)"},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    const auto value = parse_json(c.text);
    REQUIRE_FALSE(value.has_value());
    CHECK(value.error().code == ErrorCode::malformed);
    CHECK(value.error().message == c.message);
  }
}

TEST_CASE("parse_json lets one name occur in two objects") {
  CHECK(parse_json(R"([{"a":1},{"a":{"a":2}}])").has_value());
}

TEST_CASE("parse_json never quotes its input, which may hold a secret") {
  const auto value = parse_json(R"({"token": "hunter2", hunter2})");
  REQUIRE_FALSE(value.has_value());
  CHECK(value.error().message.find("hunter2") == std::string::npos);
}

TEST_CASE("parse_json keeps its limits") {
  CHECK(parse_json(nested(32)).has_value());
  const auto deep = parse_json(nested(33));
  REQUIRE_FALSE(deep.has_value());
  CHECK(deep.error().message == "cannot parse JSON: nested deeper than 32");
  CHECK_FALSE(parse_json(std::string(100'000, '[')).has_value());

  CHECK(parse_json("[1]", {.max_bytes = 3, .max_depth = 1}).has_value());
  const auto large = parse_json("[12]", {.max_bytes = 3, .max_depth = 1});
  REQUIRE_FALSE(large.has_value());
  CHECK(large.error().code == ErrorCode::too_large);
  CHECK(large.error().message == "cannot parse JSON: 4 bytes, want at most 3");
}

TEST_CASE("to_text does not throw on a text that is not UTF-8") { CHECK(to_text(Json("\xff")) == "\"\xef\xbf\xbd\""); }
