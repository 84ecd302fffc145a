#include "libdd/identity/sign_in_links.hpp"

#include <doctest/doctest.h>

#include "tests/support/check_error.hpp"

using namespace dd;
using namespace dd::identity;
using namespace dd::test;

namespace {

constexpr std::int64_t kLinkNow = 1'790'000'000;
const SignInGrounds kLinkOcto{{"octo", 42, "owner"}, {}, {"first", "second"}, kLinkNow + 1000};

}  // namespace

TEST_CASE("a link signs in whom it was made for, once") {
  SignInLinks links(system_random());
  const auto code = links.make(kLinkOcto, kLinkNow).value();
  CHECK(code.size() == 43);
  CHECK(links.make({{"other", 43, "member"}, {}, {}, {}}, kLinkNow).value() != code);
  const auto grounds = links.use(code, kLinkNow + 1);
  REQUIRE(grounds.has_value());
  CHECK(grounds->person.login == "octo");
  CHECK(grounds->person.id == 42);
  CHECK(grounds->from == kLinkOcto.from);
  CHECK(grounds->ends_at == kLinkOcto.ends_at);
  check_code(links.use(code, kLinkNow + 1), ErrorCode::unauthenticated);
}

TEST_CASE("a link ends after ten minutes") {
  SignInLinks links(system_random());
  const auto last_second = links.make(kLinkOcto, kLinkNow).value();
  const auto late = links.make(kLinkOcto, kLinkNow).value();
  CHECK(links.use(last_second, kLinkNow + SignInLinks::kLife - 1).has_value());
  check_code(links.use(late, kLinkNow + SignInLinks::kLife), ErrorCode::unauthenticated);
}

TEST_CASE("a code that was never made is refused, and spoils none that was") {
  SignInLinks links(system_random());
  const auto code = links.make(kLinkOcto, kLinkNow).value();
  for (const auto& guess : {std::string(), code + "A", code.substr(1), std::string(43, 'A'), std::string(100'000, 'A')})
    check_code(links.use(guess, kLinkNow), ErrorCode::unauthenticated);
  CHECK(links.use(code, kLinkNow).has_value());
}

TEST_CASE("links that nobody uses make room when they end, and not before") {
  SignInLinks links(system_random());
  for (int i = 0; i < 64; ++i) REQUIRE(links.make(kLinkOcto, kLinkNow).has_value());
  const auto refused = links.make(kLinkOcto, kLinkNow + SignInLinks::kLife - 1);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == ErrorCode::rate_limited);
  CHECK(links.make(kLinkOcto, kLinkNow + SignInLinks::kLife).has_value());
}
