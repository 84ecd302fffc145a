#include "libdd/core/config_values.hpp"

#include <doctest/doctest.h>

#include "tests/support/check_error.hpp"

using namespace dd;
using std::chrono::milliseconds;

TEST_CASE("a duration has a unit, and seconds without one") {
  const struct {
    const char* text;
    std::int64_t milliseconds;
  } cases[] = {
      {"500ms", 500}, {"10s", 10'000}, {"5m", 300'000}, {"2h", 7'200'000}, {"7", 7'000}, {"87840h", 316'224'000'000},
  };
  for (const auto& c : cases) {
    CAPTURE(c.text);
    CHECK(config_values::duration(c.text) == milliseconds(c.milliseconds));
  }
}

TEST_CASE("a duration is refused when it is not one, zero, negative or longer than ten years") {
  for (const auto* text : {"", "s", "0", "0s", "-1s", "1.5s", "1 s", " 1s", "1d", "1S", "+1s", "87841h",
                           "9223372036854775807h", "99999999999999999999"}) {
    CAPTURE(text);
    CHECK_FALSE(config_values::duration(text).has_value());
  }
}

TEST_CASE("a duration is shown in the largest unit that divides it") {
  const struct {
    std::int64_t milliseconds;
    const char* text;
  } cases[] = {{1500, "1500ms"}, {90'000, "90s"}, {300'000, "5m"}, {7'200'000, "2h"}, {0, "0s"}};
  for (const auto& c : cases) CHECK(config_values::show(milliseconds(c.milliseconds)) == c.text);
}

TEST_CASE("durations that somebody filled in himself have bounds, and the first that is out of them is named") {
  const auto check = [](milliseconds value) {
    return config_values::check_durations(
        {{"DD_GOOD", milliseconds(1)}, {"DD_ONE", value, milliseconds(10)}, {"DD_LATER", milliseconds(0)}});
  };
  constexpr std::chrono::hours kTenYears(10 * 366 * 24);
  for (const auto value : {milliseconds(9), milliseconds(0), milliseconds(-1), milliseconds::min(), milliseconds::max(),
                           milliseconds(kTenYears) + milliseconds(1)}) {
    CAPTURE(value.count());
    test::check_error(check(value), ErrorCode::invalid_argument, {}, "cannot use DD_ONE: ");
  }
  for (const auto value : {milliseconds(10), milliseconds(kTenYears)})
    test::check_error(check(value), ErrorCode::invalid_argument, {}, "cannot use DD_LATER: 0s, want 1ms to 87840h");
}

TEST_CASE("an integer is decimal and nothing else") {
  CHECK(config_values::integer("-12") == -12);
  for (const auto* text : {"", "-", "1 ", "0x10", "1e3", "9223372036854775808"}) {
    CAPTURE(text);
    CHECK_FALSE(config_values::integer(text).has_value());
  }
}

TEST_CASE("a list leaves out blanks and empty items") {
  CHECK(config_values::list(" a, b c ,,\t, d") == std::vector<std::string>{"a", "b c", "d"});
  CHECK(config_values::list(" , ").empty());
  CHECK(config_values::join({"a", "b"}, ",") == "a,b");
  CHECK(config_values::join({}, ",").empty());
}
