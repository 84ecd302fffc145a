#include "libdd/agent/ports.hpp"

#include <unistd.h>

#include <doctest/doctest.h>

#include "libdd/agent/metrics.hpp"
#include "tests/support/run_task.hpp"
#include "tests/unit/agent/listener.hpp"

using namespace dd;
using namespace dd::agent;

TEST_CASE("a port answers on either loopback address while something listens") {
  net::asio::io_context io;
  Listener v4;
  CHECK(test::run(io, answers(v4.port())));
  v4.close();
  const SilentPort silent;
  CHECK_FALSE(test::run(io, answers(silent.port())));
  if (access("/proc/net/if_inet6", F_OK) != 0) return;  // a machine without IPv6
  const Listener v6(boost::asio::ip::address_v6::loopback());
  CHECK(test::run(io, answers(v6.port())));
}

TEST_CASE("the holder of a port is who listens on it, not who is connected through it") {
  net::asio::io_context io;
  Listener listener;
  const auto port = listener.port();
  CHECK(holder_of(port) == "uid " + std::to_string(getuid()));
  boost::asio::ip::tcp::socket client(io);
  client.connect({boost::asio::ip::address_v4::loopback(), port});
  CHECK(holder_of(client.local_endpoint().port()).empty());
  listener.close();
  CHECK(holder_of(port).empty());
  const SilentPort silent;
  CHECK(holder_of(silent.port()).empty());
}

TEST_CASE("metrics are numbers that a machine can have") {
  for (int i = 0; i < 2; ++i) {
    const auto metrics = read_metrics();
    CHECK(metrics.cpu_percent >= 0);
    CHECK(metrics.cpu_percent <= 100);
    CHECK(metrics.load_1m >= 0);
    CHECK(metrics.memory_total_mb > 0);
    CHECK(metrics.memory_used_mb >= 0);
    CHECK(metrics.memory_used_mb <= metrics.memory_total_mb);
  }
}
