#include "libdd/identity/failure_limit.hpp"

#include <doctest/doctest.h>

using namespace dd;
using namespace dd::identity;

namespace {

constexpr std::int64_t kStart = 1'000'000;

void fail_times(FailureLimit& limit, const std::string& client, int times, std::int64_t now) {
  for (int i = 0; i < times; ++i) limit.failed(client, now);
}

}  // namespace

TEST_CASE("a client that fails too often waits for the end of its window, and nobody else does") {
  FailureLimit limit({3, std::chrono::seconds(600), 8});
  fail_times(limit, "a", 2, kStart);
  CHECK(limit.check("a", kStart).has_value());
  limit.failed("a", kStart + 100);
  const auto refused = limit.check("a", kStart + 200);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == ErrorCode::rate_limited);
  CHECK(refused.error().message == "cannot sign in: too many failed attempts, try again in 400 s");
  CHECK(limit.check("b", kStart + 200).has_value());
  CHECK_FALSE(limit.check("a", kStart + 599).has_value());
  CHECK(limit.check("a", kStart + 600).has_value());
  limit.failed("a", kStart + 600);
  CHECK(limit.check("a", kStart + 600).has_value());
}

TEST_CASE("a clock that is set back locks nobody out") {
  FailureLimit limit({1, std::chrono::seconds(600), 8});
  limit.failed("a", kStart);
  REQUIRE_FALSE(limit.check("a", kStart).has_value());
  CHECK(limit.check("a", kStart - 100'000).has_value());
}

TEST_CASE("a crowd of clients takes bounded memory, and only the oldest is forgotten") {
  FailureLimit limit({1, std::chrono::seconds(600), 2});
  limit.failed("old", kStart);
  limit.failed("young", kStart + 1);
  limit.failed("new", kStart + 2);
  CHECK(limit.check("old", kStart + 2).has_value());
  CHECK_FALSE(limit.check("young", kStart + 2).has_value());
  CHECK_FALSE(limit.check("new", kStart + 2).has_value());
}

TEST_CASE("a client is who the edge says it is, if that is an address") {
  const auto client = [](std::initializer_list<const char*> values) {
    HttpHeaders headers;
    for (const auto* value : values) headers.add("CF-Connecting-IP", value);
    return client_of(headers);
  };
  CHECK(client({"203.0.113.9"}) == "203.0.113.9");
  CHECK(client({"2001:db8::7"}) == "2001:db8::7");
  CHECK(client({}).empty());
  CHECK(client({"203.0.113.9", "203.0.113.10"}).empty());
  CHECK(client({"203.0.113.9, 10.0.0.1"}).empty());
  CHECK(client({"1111111111111111111111111111111111111111111111"}).empty());
}
