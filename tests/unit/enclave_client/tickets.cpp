#include "libdd/enclave_client/tickets.hpp"

#include <doctest/doctest.h>

using namespace dd;
using namespace dd::enclave_client;
using namespace std::chrono_literals;

namespace {

struct Issuing {
  ManualClock clock{Clock::TimePoint(1'790'000'000s)};
  Tickets tickets{clock, system_random()};

  void check_refused(std::string_view ticket, std::string_view app_name) {
    const auto spent = tickets.spend(ticket, app_name);
    REQUIRE_FALSE(spent.has_value());
    CHECK(spent.error().code == ErrorCode::unauthenticated);
    CHECK(spent.error().reason == "ticket_invalid");
  }
};

}  // namespace

TEST_CASE("a ticket stands for whoever asked for it, once") {
  Issuing f;
  const auto ticket = f.tickets.issue("app", "octo").value();
  CHECK(ticket.size() == 43);
  CHECK(f.tickets.spend(ticket, "app").value() == "octo");
  f.check_refused(ticket, "app");
}

TEST_CASE("a ticket is for one workload, and gone when it was tried on another") {
  Issuing f;
  const auto ticket = f.tickets.issue("app", "octo").value();
  f.check_refused(ticket, "other");
  f.check_refused(ticket, "app");
}

TEST_CASE("a ticket is good for 30 seconds") {
  Issuing f;
  const auto ticket = f.tickets.issue("app", "octo").value();
  const auto late = f.tickets.issue("app", "octo").value();
  f.clock.advance(29'999ms);
  CHECK(f.tickets.spend(ticket, "app").has_value());
  f.clock.advance(1ms);
  f.check_refused(late, "app");
}

TEST_CASE("what is no ticket is refused") {
  Issuing f;
  const auto ticket = f.tickets.issue("app", "octo").value();
  f.check_refused("", "app");
  f.check_refused(ticket.substr(1), "app");
  f.check_refused(ticket + "=", "app");
}

TEST_CASE("tickets that nobody uses do not add up") {
  Issuing f;
  for (std::size_t i = 0; i < Tickets::kMost; ++i) REQUIRE(f.tickets.issue("app", "octo").has_value());
  const auto refused = f.tickets.issue("app", "octo");
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == ErrorCode::rate_limited);
  f.clock.advance(30s);
  CHECK(f.tickets.issue("app", "octo").has_value());
}
