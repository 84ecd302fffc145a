#include "libdd/identity/verdict_cache.hpp"

#include <doctest/doctest.h>

using namespace dd;
using identity::VerdictCache;

namespace {

Digest256 key_of(int number) {
  Digest256 key{};
  key[0] = static_cast<std::byte>(number);
  key[1] = static_cast<std::byte>(number >> 8);
  return key;
}

const Result<Principal> kGood = Principal{"alice", 7, "owner"};
const Result<Principal> kBad = fail(ErrorCode::unauthenticated, "cannot accept token: no");

}  // namespace

TEST_CASE("a good token is remembered for its time, a refused one for its own") {
  VerdictCache cache({std::chrono::seconds(300), std::chrono::seconds(60), 8});
  cache.put(key_of(1), kGood, 1000);
  cache.put(key_of(2), kBad, 1000);
  CHECK(cache.find(key_of(1), 300'999)->value().login == "alice");
  CHECK_FALSE(cache.find(key_of(1), 301'000).has_value());
  CHECK(cache.find(key_of(2), 60'999)->error().code == ErrorCode::unauthenticated);
  CHECK_FALSE(cache.find(key_of(2), 61'000).has_value());
  CHECK_FALSE(cache.find(key_of(3), 1000).has_value());
}

TEST_CASE("a failure that is not about the token is not remembered, and leaves what was known") {
  VerdictCache cache({});
  cache.put(key_of(1), kGood, 0);
  for (const auto code :
       {ErrorCode::unavailable, ErrorCode::upstream, ErrorCode::deadline_exceeded, ErrorCode::internal}) {
    cache.put(key_of(1), fail(code, "cannot check"), 0);
    cache.put(key_of(2), fail(code, "cannot check"), 0);
  }
  CHECK(cache.find(key_of(1), 1)->has_value());
  CHECK_FALSE(cache.find(key_of(2), 1).has_value());
}

TEST_CASE("that another try makes no sense yet is remembered until it does, and leaves what was known") {
  VerdictCache cache({std::chrono::seconds(300), std::chrono::seconds(60), 8});
  Error limited{ErrorCode::unavailable, "cannot check"};
  limited.retry_after = std::chrono::seconds(90);
  cache.put(key_of(1), tl::unexpected(limited), 1000);
  CHECK(cache.find(key_of(1), 1000)->error().retry_after == std::chrono::seconds(90));
  const auto later = cache.find(key_of(1), 90'500);
  CHECK(later->error().code == ErrorCode::unavailable);
  CHECK(later->error().retry_after == std::chrono::seconds(1));
  CHECK_FALSE(cache.find(key_of(1), 91'000).has_value());
  cache.put(key_of(2), kGood, 0);
  cache.put(key_of(2), tl::unexpected(limited), 0);
  CHECK(cache.find(key_of(2), 1000)->has_value());
  cache.put(key_of(3), tl::unexpected(limited), 0);
  cache.put(key_of(3), kGood, 1);
  CHECK(cache.find(key_of(3), 1000)->has_value());
}

TEST_CASE("the last word about a token counts") {
  VerdictCache cache({});
  cache.put(key_of(1), kGood, 0);
  cache.put(key_of(1), kBad, 0);
  CHECK_FALSE(cache.find(key_of(1), 1)->has_value());
  cache.put(key_of(1), kGood, 0);
  CHECK(cache.find(key_of(1), 1)->has_value());
}

TEST_CASE("a flood of bad tokens does not push out a good one") {
  VerdictCache cache({std::chrono::seconds(300), std::chrono::seconds(60), 4});
  cache.put(key_of(1), kGood, 0);
  for (int i = 2; i < 1000; ++i) cache.put(key_of(i), kBad, i);
  CHECK(cache.find(key_of(1), 1000)->has_value());
  int remembered = 0;
  for (int i = 2; i < 1000; ++i) remembered += cache.find(key_of(i), 1000).has_value() ? 1 : 0;
  CHECK(remembered == 4);
  CHECK(cache.find(key_of(999), 1000).has_value());
}

TEST_CASE("what is known of one token is not pushed out by another while there is room, nor by its own renewal") {
  VerdictCache cache({std::chrono::seconds(300), std::chrono::seconds(60), 2});
  cache.put(key_of(1), kGood, 0);
  cache.put(key_of(2), kGood, 1);
  cache.put(key_of(2), kGood, 2);
  CHECK(cache.find(key_of(1), 3).has_value());
  CHECK(cache.find(key_of(2), 3).has_value());
  cache.put(key_of(3), kGood, 4);
  CHECK_FALSE(cache.find(key_of(1), 5).has_value());
}

TEST_CASE("a limit is over with the first good answer, also after that is forgotten") {
  VerdictCache cache({});
  Error limited{ErrorCode::unavailable, "cannot check"};
  limited.retry_after = std::chrono::hours(1);
  cache.put(key_of(1), tl::unexpected(limited), 0);
  cache.put(key_of(1), kGood, 1);
  CHECK_FALSE(cache.find(key_of(1), 301'000).has_value());
}
