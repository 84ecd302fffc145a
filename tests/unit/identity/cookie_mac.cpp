#include "libdd/identity/cookie_mac.hpp"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "tests/support/check_error.hpp"

using namespace dd;
using namespace dd::identity;
using namespace dd::test;
using Json = nlohmann::json;

namespace {

constexpr std::int64_t kNow = 1'790'000'000;

}  // namespace

TEST_CASE("what a browser kept comes back as it was, until it expires") {
  const CookieMac mac(system_random());
  const auto text = mac.protect({{"state", "s"}, {"next", "/a"}}, kNow + 10);
  CHECK(mac.read(text, kNow + 9).value() == Json{{"state", "s"}, {"next", "/a"}, {"exp", kNow + 10}});
  check_code(mac.read(text, kNow + 10), ErrorCode::unauthenticated);
}

TEST_CASE("what a browser kept fits a cookie as it is") {
  const auto text = CookieMac(system_random()).protect({{"next", "/a;b=\"c\", d\\"}}, kNow);
  CHECK(text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.") ==
        std::string::npos);
}

TEST_CASE("what we did not write is refused") {
  const CookieMac mac(system_random());
  const auto text = mac.protect({{"next", "/"}}, kNow + 10);
  for (std::size_t i = 0; i < text.size(); ++i) {
    CAPTURE(i);
    auto altered = text;
    altered[i] = altered[i] == 'A' ? 'B' : 'A';
    check_code(mac.read(altered, kNow), ErrorCode::unauthenticated);
  }
  const auto other = CookieMac(system_random()).protect({{"next", "/"}}, kNow + 10);
  const auto dot = text.find('.');
  const auto said = text.substr(0, dot);
  for (const auto& attack : {std::string(), std::string("."), said, said + ".", text.substr(dot), text + "A",
                             text + ".", other, said + other.substr(other.find('.')), std::string(100'000, 'A')}) {
    CAPTURE(attack.substr(0, 100));
    check_code(mac.read(attack, kNow), ErrorCode::unauthenticated);
  }
}
