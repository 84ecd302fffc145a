#include "libdd/core/decimal.hpp"

#include <cstdint>
#include <string>

#include <doctest/doctest.h>

using dd::decimal;

TEST_CASE("a decimal number is the whole text and fits its type") {
  CHECK(decimal<int>("0") == 0);
  CHECK(decimal<int>("-7") == -7);
  CHECK(decimal<std::uint16_t>("65535") == 65535);
  CHECK(decimal<std::uint64_t>("18446744073709551615") == UINT64_MAX);
  for (const std::string text : {"", " 1", "1 ", "+1", "1x", "x", "0x10", "1.0", "--1", "99999999999999999999"}) {
    CAPTURE(text);
    CHECK_FALSE(decimal<std::int64_t>(text));
  }
  CHECK_FALSE(decimal<std::uint16_t>("65536"));
  CHECK_FALSE(decimal<unsigned>("-1"));
}
