#include "libdd/agent/chosen_ports.hpp"

#include <set>

#include <doctest/doctest.h>

#include "tests/support/check_error.hpp"
#include "tests/unit/agent/listener.hpp"

using namespace dd;
using namespace dd::agent;
using Variables = std::vector<std::pair<std::string, std::string>>;

namespace {

/// Always the same bytes.
struct FixedRandom final : Random {
  void fill(std::span<std::byte> out) override { std::fill(out.begin(), out.end(), std::byte{0}); }
};

DeployRequest exposing(std::vector<Expose> exposed, Variables env = {}) {
  DeployRequest request;
  request.app_name = "app";
  request.cmd = {"server"};
  request.env = std::move(env);
  request.expose = std::move(exposed);
  return request;
}

bool every_port(std::uint16_t) { return true; }

}  // namespace

TEST_CASE("ports that are left open are chosen, each once, and handed over in the environment") {
  FixedRandom random;
  const auto request =
      exposing({{"web", 8080, {}}, {"my-api", 0, {}}, {"admin", 0, ServiceProtocol::tcp}}, {{"A", "1"}});
  const auto chosen = with_chosen_ports(request, every_port, random).value();
  CHECK(chosen.expose ==
        std::vector<Expose>{{"web", 8080, {}}, {"my-api", 20000, {}}, {"admin", 20001, ServiceProtocol::tcp}});
  CHECK(chosen.env == Variables{{"PORT", "20000"}, {"PORT_MY_API", "20000"}, {"PORT_ADMIN", "20001"}, {"A", "1"}});
}

TEST_CASE("a request that names its ports is left as it is") {
  FixedRandom random;
  const auto request = exposing({{"web", 8080, {}}}, {{"PORT", "8080"}});
  CHECK(with_chosen_ports(request, every_port, random).value() == request);
}

TEST_CASE("only a port that is free is chosen, from a random one on and round to the first") {
  FixedRandom random;
  const auto only = [](std::uint16_t wanted) { return [wanted](std::uint16_t port) { return port == wanted; }; };
  for (const std::uint16_t port : {kFirstChosenPort, std::uint16_t{25'000}, kLastChosenPort}) {
    CAPTURE(port);
    CHECK(with_chosen_ports(exposing({{"web", 0, {}}}), only(port), random).value().expose[0].port == port);
    for (int i = 0; i < 20; ++i)
      CHECK(with_chosen_ports(exposing({{"web", 0, {}}}), only(port), system_random()).value().expose[0].port == port);
  }
  test::check_error(with_chosen_ports(exposing({{"web", 0, {}}}), only(19'999), random), ErrorCode::unavailable);
  test::check_error(with_chosen_ports(exposing({{"web", 0, {}}, {"b", 0, {}}}), only(20'000), random),
                    ErrorCode::unavailable);
  std::set<std::uint16_t> starts;
  for (int i = 0; i < 50; ++i)
    starts.insert(with_chosen_ports(exposing({{"web", 0, {}}}), every_port, system_random()).value().expose[0].port);
  CHECK(starts.size() > 10);
}

TEST_CASE("a variable that a chosen port is handed over in cannot be set beside it") {
  FixedRandom random;
  for (const std::string name : {"PORT", "PORT_WEB"}) {
    CAPTURE(name);
    const auto refused = with_chosen_ports(exposing({{"web", 0, {}}}, {{"A", "1"}, {name, "80"}}), every_port, random);
    test::check_error(refused, ErrorCode::invalid_argument, "", name);
    CHECK(refused.error().path == "$.env[1]");
  }
  CHECK(with_chosen_ports(exposing({{"web", 0, {}}}, {{"PORT_API", "80"}}), every_port, random).has_value());
}

TEST_CASE("a port can be bound when nobody listens on it and the kernel does not give it away") {
  const Listener held;
  CHECK_FALSE(can_be_bound(held.port()));
  CHECK_FALSE(can_be_bound(33'000));  // of the usual ip_local_port_range
  bool some = false;
  for (std::uint16_t port = kFirstChosenPort; port < kFirstChosenPort + 50; ++port) some = some || can_be_bound(port);
  CHECK(some);
}
