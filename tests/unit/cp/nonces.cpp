#include "libdd/cp/nonces.hpp"

#include <doctest/doctest.h>

using namespace dd;
using namespace dd::cp;

namespace {

constexpr std::chrono::seconds kLife{120};
const std::string kAgent = "dd-test-agent-1";

struct NonceFleet {
  ManualClock clock{Clock::TimePoint(std::chrono::seconds(1'790'000'000))};
  Nonces nonces{Bytes(32, std::byte{9}), clock, system_random()};
};

void check_reason(const Result<void>& checked, std::string_view reason) {
  REQUIRE_FALSE(checked.has_value());
  CHECK(checked.error().code == ErrorCode::unauthenticated);
  CHECK(checked.error().reason == reason);
}

}  // namespace

TEST_CASE("a nonce is good for its purpose, its agent and its time") {
  NonceFleet f;
  CHECK(f.nonces.check_register(f.nonces.for_register(), kLife).has_value());
  CHECK(f.nonces.check_poll(kAgent, f.nonces.for_poll(kAgent), kLife).has_value());
  CHECK(f.nonces.for_register() != f.nonces.for_register());
}

TEST_CASE("a nonce made for something else is none") {
  NonceFleet f;
  check_reason(f.nonces.check_poll(kAgent, f.nonces.for_register(), kLife), "nonce_invalid");
  check_reason(f.nonces.check_register(f.nonces.for_poll(kAgent), kLife), "nonce_invalid");
  check_reason(f.nonces.check_poll("dd-test-agent-2", f.nonces.for_poll(kAgent), kLife), "nonce_invalid");
  check_reason(f.nonces.check_poll("", f.nonces.for_register(), kLife), "nonce_invalid");
}

TEST_CASE("another key's nonces are none") {
  NonceFleet f;
  Nonces other(Bytes(32, std::byte{8}), f.clock, system_random());
  check_reason(f.nonces.check_register(other.for_register(), kLife), "nonce_invalid");
}

TEST_CASE("no bit of a nonce can be changed") {
  NonceFleet f;
  const auto good = f.nonces.for_register();
  for (std::size_t i = 0; i < good.size(); ++i) {
    CAPTURE(i);
    auto bent = good;
    bent[i] ^= std::byte{1};
    check_reason(f.nonces.check_register(bent, kLife), "nonce_invalid");
  }
}

TEST_CASE("a nonce lives as long as it is said to, to the millisecond") {
  NonceFleet f;
  const auto nonce = f.nonces.for_register();
  f.clock.advance(kLife);
  CHECK(f.nonces.check_register(nonce, kLife).has_value());
  f.clock.advance(std::chrono::milliseconds(1));
  check_reason(f.nonces.check_register(nonce, kLife), "nonce_expired");
}

TEST_CASE("a nonce from the future is good for a clock that is five seconds behind, and no further") {
  NonceFleet f;
  ManualClock behind(f.clock.now() - std::chrono::seconds(5));
  const Nonces successor(Bytes(32, std::byte{9}), behind, system_random());
  const auto nonce = f.nonces.for_register();
  CHECK(successor.check_register(nonce, kLife).has_value());
  behind.advance(std::chrono::milliseconds(-1));
  check_reason(successor.check_register(nonce, kLife), "nonce_expired");
}
