#include "libdd/net/retry_after.hpp"

#include <string>

#include <doctest/doctest.h>

using namespace dd;
using namespace std::chrono_literals;

namespace {

std::optional<std::chrono::seconds> after(const std::string& value, const std::string& date = "") {
  HttpHeaders headers;
  headers.set("Retry-After", value);
  if (!date.empty()) headers.set("Date", date);
  return net::retry_after(headers);
}

}  // namespace

TEST_CASE("Retry-After is a number of seconds") {
  CHECK(after("0") == 0s);
  CHECK(after("17") == 17s);
  CHECK(after("4294967295") == 24h);
  for (const auto* bad : {"", "-1", "1.5", "30s", " 30", "soon", "99999999999"}) {
    CAPTURE(bad);
    CHECK_FALSE(after(bad).has_value());
  }
  CHECK_FALSE(net::retry_after({}).has_value());
}

TEST_CASE("Retry-After is a date, seen from when the answer was made") {
  const std::string date = "Sun, 29 Nov 2026 12:00:00 GMT";
  CHECK(after("Sun, 29 Nov 2026 12:00:30 GMT", date) == 30s);
  CHECK(after("Mon, 30 Nov 2026 11:59:59 GMT", date) == 86'399s);
  CHECK(after("Fri, 31 Dec 9999 23:59:59 GMT", date) == 24h);
  CHECK(after("Sun, 29 Nov 2026 11:59:59 GMT", date) == 0s);
  for (const auto* bad :
       {"Sun, 29 Nov 2026 12:00:30", "29 Nov 2026 12:00:30 GMT", "Sun, 29 Nov 2026 12:00:30 GMT and more",
        "Sunday, 29-Nov-26 12:00:30 GMT", "Sun, 99 Nov 2026 12:00:30 GMT"}) {
    CAPTURE(bad);
    CHECK_FALSE(after(bad, date).has_value());
  }
}

TEST_CASE("without a date of its own, the answer was made now") {
  CHECK(after("Thu, 01 Jan 1970 00:00:00 GMT") == 0s);
  CHECK(after("Fri, 01 Jan 2100 00:00:00 GMT", "no date") == 24h);
}
