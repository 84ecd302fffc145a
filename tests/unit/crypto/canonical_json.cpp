#include "libdd/crypto/canonical_json.hpp"

#include <limits>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "libdd/core/json.hpp"

using namespace dd;
using namespace dd::crypto;

namespace {

std::string canonical(std::string_view text) { return canonical_json(parse_json(text).value()).value(); }

}  // namespace

TEST_CASE("canonical JSON reproduces the examples of RFC 8785") {
  const struct {
    const char* name;
    const char* text;
    const char* canonical;
  } cases[] = {
      {"3.2.2, escapes and literals",
       R"({ "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/", "literals": [null, true, false] })",
       R"({"literals":[null,true,false],"string":"€$\u000f\nA'B\"\\\\\"/"})"},
      {"3.2.3, members by UTF-16 code units",
       R"({"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh","1":"One","\ud83d\ude00":"Emoji: Grinning Face",)"
       R"("\u0080":"Control","\u00f6":"Latin Small Letter O With Diaeresis"})",
       "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\xc2\x80\":\"Control\",\"ö\":\"Latin Small Letter O With "
       "Diaeresis\",\"€\":\"Euro Sign\","
       "\"\xf0\x9f\x98\x80\":\"Emoji: Grinning Face\",\"\xef\xac\xb3\":\"Hebrew Letter Dalet With Dagesh\"}"},
      {"nested members", R"({"b":[{"z":1,"y":{"b":2,"a":3}}],"a":[]})", R"({"a":[],"b":[{"y":{"a":3,"b":2},"z":1}]})"},
      {"a name that starts another", R"({"ab":1,"a":2,"":3,"A":4})", R"({"":3,"A":4,"a":2,"ab":1})"},
      {"two pairs of surrogates", R"({"\ud83d\ude01":1,"\ud83d\ude00":2})",
       "{\"\xf0\x9f\x98\x80\":2,\"\xf0\x9f\x98\x81\":1}"},
      {"two-letter escapes", R"("\u0008\u0009\u000a\u000c\u000d")", R"("\b\t\n\f\r")"},
      {"other control characters", R"("\u0000\u001F\u007f")", "\"\\u0000\\u001f\x7f\""},
      {"a slash and a line separator", R"("\/\u2028")", "\"/\xe2\x80\xa8\""},
      {"no object", "[1, 2 ,3]", "[1,2,3]"},
      {"empty ones", R"([{ }, [ ], ""])", R"([{},[],""])"},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    CHECK(canonical(c.text) == c.canonical);
  }
}

TEST_CASE("an integer within 2^53-1 has one text") {
  const struct {
    const char* text;
    const char* canonical;
  } cases[] = {
      {"0", "0"},
      {"-0", "0"},
      {"-1", "-1"},
      {"9007199254740991", "9007199254740991"},
      {"-9007199254740991", "-9007199254740991"},
  };
  for (const auto& c : cases) {
    CAPTURE(c.text);
    CHECK(canonical(c.text) == c.canonical);
  }
}

TEST_CASE("a number that two readers could round differently is refused") {
  const struct {
    const char* name;
    nlohmann::json value;
  } cases[] = {
      {"2^53", std::uint64_t{1} << 53},
      {"-2^53", -(std::int64_t{1} << 53)},
      {"the largest", std::numeric_limits<std::uint64_t>::max()},
      {"the smallest", std::numeric_limits<std::int64_t>::min()},
      {"a fraction", 1.5},
      {"an integer that is spelled as a fraction", 1.0},
      {"inside an array", {1, 2.5}},
      {"inside an object", {{"a", {{"b", 2.5}}}}},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    const auto text = canonical_json(c.value);
    REQUIRE_FALSE(text.has_value());
    CHECK(text.error().code == ErrorCode::invalid_argument);
    CHECK(text.error().message == "cannot make JSON canonical: a number is no integer within 2^53-1");
  }
}

TEST_CASE("text that is not UTF-8 is refused, as a value and as a name") {
  for (const std::string bad : {"\xff", "\xc3", "\xed\xa0\x80", "\xf0\x9f\x98", "a\xc0\xaf"}) {
    CAPTURE(to_hex(as_bytes(bad)));
    for (const auto& value : {nlohmann::json(bad), nlohmann::json{{bad, 1}}}) {
      const auto text = canonical_json(value);
      REQUIRE_FALSE(text.has_value());
      CHECK(text.error().code == ErrorCode::invalid_argument);
      CHECK(text.error().message == "cannot make JSON canonical: text is not UTF-8");
    }
  }
}

TEST_CASE("the canonical text does not depend on order, space or spelling") {
  const auto once = canonical(R"({"iss":"a","aud":["x",{"k":1,"j":null}],"n":7})");
  CHECK(canonical("{\n \"n\" : 7,\t\"aud\":[\"\\u0078\",{\"j\":null,\"k\":1}],\r\"i\\u0073s\":\"a\" }") == once);
  CHECK(canonical(once) == once);
}
