#include "libdd/enclave/uid_pool.hpp"

#include <doctest/doctest.h>

using dd::enclave::kWorkloadUids;
using dd::enclave::UidPool;

TEST_CASE("apps get uids in the order they come, and keep them") {
  UidPool pool(5000, [](const std::string&) { FAIL("nobody needs to go"); });
  CHECK(pool.acquire("a").value() == 5001);
  CHECK(pool.acquire("b").value() == 5002);
  pool.release("a");
  CHECK(pool.acquire("c").value() == 5003);
  CHECK(pool.acquire("a").value() == 5001);
  CHECK(pool.trusted_group() == 5000);
}

TEST_CASE("the app that is idle longest gives its uid up, after its files went") {
  std::vector<std::string> evicted;
  UidPool pool(5000, [&](const std::string& app) { evicted.push_back(app); });
  for (uid_t i = 1; i <= kWorkloadUids; ++i) REQUIRE(pool.acquire("app" + std::to_string(i)).value() == 5000 + i);
  pool.release("app7");
  pool.release("app3");
  CHECK(pool.acquire("new").value() == 5007);
  CHECK(evicted == std::vector<std::string>{"app7"});
  CHECK(pool.acquire("newer").value() == 5003);
}

TEST_CASE("who had which uid before keeps it, and others get what is free") {
  dd::enclave::UidsByApp told;
  const auto nobody_goes = [](const std::string&) { FAIL("nobody needs to go"); };
  UidPool pool(5000, nobody_goes, {{"a", 5003}, {"b", 5001}}, [&](const auto& uids) { told = uids; });
  CHECK(pool.acquire("b").value() == 5001);
  CHECK(pool.acquire("a").value() == 5003);
  CHECK(told.empty());  // it knows them
  CHECK(pool.acquire("c").value() == 5004);
  CHECK(told == dd::enclave::UidsByApp{{"a", 5003}, {"b", 5001}, {"c", 5004}});
}

TEST_CASE("all uids are given out, also below one that was given out before") {
  const auto nobody_goes = [](const std::string&) { FAIL("nobody needs to go"); };
  UidPool pool(5000, nobody_goes, {{"agent", 5000 + kWorkloadUids}});
  for (uid_t i = 1; i < kWorkloadUids; ++i) REQUIRE(pool.acquire("app" + std::to_string(i)).value() == 5000 + i);
  CHECK(pool.acquire("agent").value() == 5000 + kWorkloadUids);
}

TEST_CASE("an app whose state lasts keeps its uid, however long it is idle") {
  std::vector<std::string> evicted;
  UidPool pool(5000, [&](const std::string& app) { evicted.push_back(app); }, {{"a-boot", 5001}}, {}, {"a-boot"});
  for (uid_t i = 2; i <= kWorkloadUids; ++i) {
    REQUIRE(pool.acquire("app" + std::to_string(i)).has_value());
    pool.release("app" + std::to_string(i));
  }
  CHECK(pool.acquire("new").value() == 5002);
  CHECK(evicted == std::vector<std::string>{"app2"});
  CHECK(pool.acquire("a-boot").value() == 5001);
}

TEST_CASE("the last one of an app is told from the others") {
  UidPool pool(5000, [](const std::string&) {});
  CHECK_FALSE(pool.held_once("a").has_value());
  REQUIRE(pool.acquire("a").has_value());
  CHECK(pool.held_once("a") == 5001);
  REQUIRE(pool.acquire("a").has_value());
  CHECK_FALSE(pool.held_once("a").has_value());
  pool.release("a");
  pool.release("a");
  CHECK_FALSE(pool.held_once("a").has_value());
}

TEST_CASE("a uid in use is never given away") {
  UidPool pool(5000, [](const std::string&) { FAIL("all are in use"); });
  for (uid_t i = 1; i <= kWorkloadUids; ++i) REQUIRE(pool.acquire("app" + std::to_string(i)).has_value());
  // Held twice, released once.
  REQUIRE(pool.acquire("app1").has_value());
  pool.release("app1");
  const auto none = pool.acquire("new");
  REQUIRE_FALSE(none.has_value());
  CHECK(none.error().code == dd::ErrorCode::unavailable);
}
