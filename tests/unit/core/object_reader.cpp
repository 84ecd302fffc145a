#include <functional>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "libdd/core/json.hpp"

using namespace dd;

namespace {

Json object_of(const char* text) { return parse_json(text).value(); }

bool lower_case(std::string_view text) { return text.find_first_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ") == text.npos; }

}  // namespace

TEST_CASE("ObjectReader reads every kind of member") {
  const auto value = object_of(R"({"name":"web","port":8080,"on":true,"off":false,"share":0.5,"key":"AAE","id":"00fF",
                                   "args":["a","b"],"env":{"A":"1"},"items":[1,2],"nothing":null})");
  ObjectReader reader(value, "$");
  CHECK(reader.text("name") == "web");
  CHECK(reader.integer("port", 1, 65535) == 8080);
  CHECK(reader.boolean("on", false));
  CHECK_FALSE(reader.required_boolean("off"));
  CHECK(reader.number("share", 0) == 0.5);
  CHECK(reader.base64url("key", 2) == Bytes{std::byte{0}, std::byte{1}});
  CHECK(reader.hex("id", 0) == Bytes{std::byte{0}, std::byte{255}});
  CHECK(reader.texts("args", 2) == std::vector<std::string>{"a", "b"});
  REQUIRE(reader.object("env") != nullptr);
  CHECK(reader.object("env")->size() == 1);
  REQUIRE(reader.array("items", 2) != nullptr);
  CHECK(reader.find("nothing") == nullptr);
  CHECK_FALSE(reader.error().has_value());
}

TEST_CASE("ObjectReader takes an absent member and null for not given") {
  for (const auto* text : {"{}", R"({"name":null,"port":null,"on":null,"share":null,"args":null})"}) {
    const auto value = object_of(text);
    ObjectReader reader(value, "$");
    CHECK_FALSE(reader.optional_text("name").has_value());
    CHECK_FALSE(reader.optional_integer("port", 1, 2).has_value());
    CHECK(reader.boolean("on", true));
    CHECK(reader.number("share", 0.25) == 0.25);
    CHECK(reader.texts("args", 1).empty());
    CHECK_FALSE(reader.error().has_value());
  }
}

TEST_CASE("ObjectReader says which member is wrong and what it should be") {
  using Read = std::function<void(ObjectReader&)>;
  const Read port = [](ObjectReader& r) { (void)r.integer("x", 1, 65535); };
  const Read text = [](ObjectReader& r) { (void)r.text("x", {.least = 1, .most = 3}); };
  const Read lower = [](ObjectReader& r) {
    (void)r.optional_text("x", {.accepts = lower_case, .expected = "lower case"});
  };
  const Read key = [](ObjectReader& r) { (void)r.base64url("x", 2); };
  const Read texts = [](ObjectReader& r) { (void)r.texts("x", 2, {.most = 3}); };
  const auto malformed = ErrorCode::malformed;
  const auto invalid = ErrorCode::invalid_argument;
  const struct {
    const char* text;
    Read read;
    ErrorCode code;
    const char* message;
  } cases[] = {
      {R"({"x":0})", port, invalid, "cannot read $.x: want an integer in 1..65535"},
      {R"({"x":65536})", port, invalid, "cannot read $.x: want an integer in 1..65535"},
      {R"({"x":18446744073709551615})", port, invalid, "cannot read $.x: want an integer in 1..65535"},
      {R"({"x":80.0})", port, malformed, "cannot read $.x: want an integer in 1..65535"},
      {R"({"x":"80"})", port, malformed, "cannot read $.x: want an integer in 1..65535"},
      {"{}", port, malformed, "cannot read $.x: missing, want an integer in 1..65535"},
      {R"({"x":null})", text, malformed, "cannot read $.x: missing, want a text of 1..3 bytes"},
      {R"({"x":""})", text, invalid, "cannot read $.x: want a text of 1..3 bytes"},
      {R"({"x":"abcd"})", text, invalid, "cannot read $.x: want a text of 1..3 bytes"},
      {R"({"x":7})", text, malformed, "cannot read $.x: want a text of 1..3 bytes"},
      {R"({"x":"A"})", lower, invalid, "cannot read $.x: want lower case"},
      {R"({"x":"AAA="})", key, malformed, "cannot read $.x: want base64url of 2 bytes"},
      {R"({"x":"AAAA"})", key, invalid, "cannot read $.x: want base64url of 2 bytes"},
      {R"({"x":[]})", key, malformed, "cannot read $.x: want base64url of 2 bytes"},
      {R"({"x":"0"})", [](ObjectReader& r) { (void)r.hex("x", 0); }, malformed, "cannot read $.x: want hex"},
      {R"({"x":["a",1]})", texts, malformed, "cannot read $.x[1]: want a text of 0..3 bytes"},
      {R"({"x":["abcd"]})", texts, invalid, "cannot read $.x[0]: want a text of 0..3 bytes"},
      {R"({"x":["a","b","c"]})", texts, invalid, "cannot read $.x: want an array of at most 2 items"},
      {R"({"x":"a"})", texts, malformed, "cannot read $.x: want an array of at most 2 items"},
      {R"({"x":1})", [](ObjectReader& r) { (void)r.boolean("x", false); }, malformed,
       "cannot read $.x: want true or false"},
      {"{}", [](ObjectReader& r) { (void)r.required_boolean("x"); }, malformed,
       "cannot read $.x: missing, want true or false"},
      {R"({"x":"1"})", [](ObjectReader& r) { (void)r.number("x", 0); }, malformed, "cannot read $.x: want a number"},
      {R"({"x":[]})", [](ObjectReader& r) { (void)r.object("x"); }, malformed, "cannot read $.x: want an object"},
      {"[]", port, malformed, "cannot read $: want an object"},
  };
  for (const auto& c : cases) {
    CAPTURE(c.text);
    const auto value = object_of(c.text);
    ObjectReader reader(value, "$");
    c.read(reader);
    REQUIRE(reader.error().has_value());
    CHECK(reader.error()->code == c.code);
    CHECK(reader.error()->message == c.message);
  }
}

TEST_CASE("ObjectReader keeps the first problem and then reads nothing") {
  const auto value = object_of(R"({"port":0,"name":"web"})");
  ObjectReader reader(value, "$.expose[0]");
  CHECK(reader.integer("port", 1, 65535) == 0);
  CHECK(reader.text("name").empty());
  (void)reader.object("env");
  REQUIRE(reader.error().has_value());
  CHECK(reader.error()->path == "$.expose[0].port");
  CHECK(reader.path_of("name") == "$.expose[0].name");
}

TEST_CASE("ObjectReader names the members that nobody asked for") {
  const auto value = object_of(R"({"name":"web","prot":80,"zone":1})");
  ObjectReader reader(value, "$");
  (void)reader.text("name");
  (void)reader.optional_integer("port", 1, 65535);
  CHECK(reader.unknown() == std::vector<std::string>{"prot", "zone"});
  reader.refuse_unknown();
  REQUIRE(reader.error().has_value());
  CHECK(reader.error()->message == "cannot read $.prot: unknown member");
}

TEST_CASE("ObjectReader records a problem of the caller") {
  const auto value = object_of("{}");
  ObjectReader reader(value, "$");
  reader.problem("name", ErrorCode::conflict, "the name is taken");
  CHECK(reader.error() == Error{ErrorCode::conflict, "cannot read $.name: the name is taken", "$.name", ""});
}

TEST_CASE("ObjectReader keeps the error of a nested reader unless it has one itself") {
  const auto value = object_of("{}");
  const Error inner{ErrorCode::malformed, "cannot read $.expose.port: want an integer", "$.expose.port", ""};
  ObjectReader reader(value, "$");
  reader.problem(inner);
  reader.problem(Error{ErrorCode::internal, "cannot happen", "", ""});
  CHECK(reader.error() == inner);
}
