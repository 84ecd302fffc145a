#include "libdd/identity/sign_in_links.hpp"

#include <doctest/doctest.h>

using namespace dd;
using namespace dd::identity;

namespace {

constexpr std::int64_t kNow = 1'790'000'000;
const Principal kOcto{"octo", 42, "owner"};

void check_refused(const Result<Principal>& used) {
  REQUIRE_FALSE(used.has_value());
  CHECK(used.error().code == ErrorCode::unauthenticated);
}

}  // namespace

TEST_CASE("a link signs in whom it was made for, once") {
  SignInLinks links(system_random());
  const auto code = links.make(kOcto, kNow).value();
  CHECK(code.size() == 43);
  CHECK(links.make({"other", 43, "member"}, kNow).value() != code);
  const auto person = links.use(code, kNow + 1);
  REQUIRE(person.has_value());
  CHECK(person->login == "octo");
  CHECK(person->id == 42);
  check_refused(links.use(code, kNow + 1));
}

TEST_CASE("a link ends after ten minutes") {
  SignInLinks links(system_random());
  const auto last_second = links.make(kOcto, kNow).value();
  const auto late = links.make(kOcto, kNow).value();
  CHECK(links.use(last_second, kNow + SignInLinks::kLife - 1).has_value());
  check_refused(links.use(late, kNow + SignInLinks::kLife));
}

TEST_CASE("a code that was never made is refused, and spoils none that was") {
  SignInLinks links(system_random());
  const auto code = links.make(kOcto, kNow).value();
  for (const auto& guess : {std::string(), code + "A", code.substr(1), std::string(43, 'A'), std::string(100'000, 'A')})
    check_refused(links.use(guess, kNow));
  CHECK(links.use(code, kNow).has_value());
}

TEST_CASE("links that nobody uses make room when they end, and not before") {
  SignInLinks links(system_random());
  for (int i = 0; i < 64; ++i) REQUIRE(links.make(kOcto, kNow).has_value());
  const auto refused = links.make(kOcto, kNow + SignInLinks::kLife - 1);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == ErrorCode::rate_limited);
  CHECK(links.make(kOcto, kNow + SignInLinks::kLife).has_value());
}
