#include <doctest/doctest.h>

#include "dd/bytes.hpp"

using namespace dd;

TEST_CASE("base64url refuses what has a second spelling") {
  const struct {
    const char* name;
    const char* text;
  } cases[] = {
      {"padding", "AA=="},  {"standard alphabet", "+/+/"}, {"impossible length", "A"},
      {"spare bits", "AB"}, {"newline", "AAAA\n"},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    const auto bytes = from_base64url(c.text);
    REQUIRE_FALSE(bytes.has_value());
    CHECK(bytes.error().code == ErrorCode::malformed);
  }
}

TEST_CASE("each encoding gives back what went in") {
  Bytes bytes;
  for (int i = 0; i < 300; ++i) {
    CHECK(from_hex(to_hex(bytes)).value() == bytes);
    CHECK(from_base64url(to_base64url(bytes)).value() == bytes);
    CHECK(from_base64(to_base64(bytes)).value() == bytes);
    bytes.push_back(static_cast<std::byte>(i * 7));
  }
}

TEST_CASE("base64 wants its padding") {
  CHECK(to_base64(as_bytes("a")) == "YQ==");
  CHECK_FALSE(from_base64("YQ").has_value());
  CHECK_FALSE(from_base64("YQ=a").has_value());
}

TEST_CASE("hex reads either case and refuses an odd length") {
  CHECK(from_hex("00fF").value() == Bytes{std::byte{0}, std::byte{255}});
  CHECK_FALSE(from_hex("0").has_value());
  CHECK_FALSE(from_hex("0g").has_value());
}
