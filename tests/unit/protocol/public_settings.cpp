#include "libdd/protocol/public_settings.hpp"

#include <algorithm>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace dd;
using namespace dd::protocol;

namespace {

const Bytes kSalt(32, std::byte{7});

std::string logged(const std::string& name, const std::string& value, ByteView salt = kSalt) {
  return logged_environment({{name, value}}, salt).at(name).get<std::string>();
}

}  // namespace

TEST_CASE("what a verifier must judge stands in clear") {
  CHECK(logged("DD_OWNER", "octo-org") == "octo-org");
  CHECK(logged("DD_CP_URL", "https://app.example.com") == "https://app.example.com");
}

TEST_CASE("everything else is a commitment") {
  for (const char* name : {"DD_PAT", "DD_ITA_API_KEY", "DD_CF_API_TOKEN", "DD_JOIN_TICKET", "MY_PASSWORD", "DD_OWNER_",
                           "dd_owner", "PATH", ""}) {
    CAPTURE(name);
    const auto text = logged(name, "value");
    CHECK(text.starts_with("hmac-sha256:"));
    CHECK(text.size() == 12 + 64);
    CHECK(text.find("value") == std::string::npos);
  }
}

TEST_CASE("a commitment depends on name, value and salt") {
  const auto base = logged("A", "bc");
  CHECK(base == logged("A", "bc"));
  CHECK(base != logged("A", "bd"));
  CHECK(base != logged("Ab", "c"));
  CHECK(base != logged("A", "bc", Bytes(32, std::byte{8})));
}

TEST_CASE("no public setting has a name that sounds like a secret") {
  for (const auto name : kPublicSettings)
    for (const char* word : {"TOKEN", "KEY", "SECRET", "PASSWORD", "_PAT", "TICKET", "CREDENTIAL"}) {
      CAPTURE(name);
      CAPTURE(word);
      CHECK_FALSE(name.ends_with(word));
    }
}
