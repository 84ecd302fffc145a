#include "libdd/enclave/report_data_field.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace dd;
using namespace dd::enclave;

TEST_CASE("report data is read in both spellings") {
  const struct {
    const char* name;
    Json request;
    const char* hex;
  } cases[] = {
      {"neither", Json::object(), ""},
      {"newer", {{"report_data_b64", "AQID"}}, "010203"},
      {"newer wins", {{"report_data_b64", "AQID"}, {"nonce", "ff"}}, "010203"},
      {"newer is never hex", {{"report_data_b64", "deadbeef"}}, "75e69d6de79f"},
      {"legacy hex", {{"nonce", "deadBEEF"}}, "deadbeef"},
      {"legacy base64", {{"nonce", "AQID"}}, "010203"},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    CHECK(to_hex(report_data_from(c.request).value()) == c.hex);
  }
}

TEST_CASE("what is no report data is refused") {
  const struct {
    const char* name;
    Json request;
    ErrorCode code;
  } cases[] = {
      {"65 bytes", {{"nonce", std::string(130, 'a')}}, ErrorCode::too_large},
      {"bad base64", {{"report_data_b64", "?"}}, ErrorCode::malformed},
      {"bad nonce", {{"nonce", "xyz"}}, ErrorCode::malformed},
      {"a number", {{"report_data_b64", 7}}, ErrorCode::malformed},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    const auto data = report_data_from(c.request);
    REQUIRE_FALSE(data.has_value());
    CHECK(data.error().code == c.code);
  }
}

TEST_CASE("short report data is filled with zeros") {
  const auto data = padded(Bytes{std::byte{1}});
  CHECK(data[0] == std::byte{1});
  CHECK(std::all_of(data.begin() + 1, data.end(), [](std::byte b) { return b == std::byte{0}; }));
}
