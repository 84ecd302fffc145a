#include "libdd/agent/ports.hpp"

#include <unistd.h>

#include <doctest/doctest.h>

#include "libdd/agent/metrics.hpp"
#include "tests/support/run_task.hpp"
#include "tests/unit/agent/listener.hpp"

using namespace dd;
using namespace dd::agent;

namespace {

std::string answering(const DeploymentInfo& info, std::uint16_t port) {
  net::asio::io_context io;
  return test::run(io, answering_address(info, port));
}

DeploymentInfo listening(const std::string& address, std::uint16_t port) {
  DeploymentInfo info;
  info.listeners = {{address, port}};
  return info;
}

const bool kNoIpv6 = access("/proc/net/if_inet6", F_OK) != 0;

}  // namespace

TEST_CASE("without a word on who listens a port answers on either loopback address") {
  Listener v4;
  CHECK(answering({}, v4.port()) == "127.0.0.1");
  v4.close();
  const SilentPort silent;
  CHECK(answering({}, silent.port()).empty());
  if (kNoIpv6) return;
  const Listener v6(boost::asio::ip::address_v6::loopback());
  CHECK(answering({}, v6.port()) == "::1");
}

TEST_CASE("a port answers where the deployment itself listens, and not where somebody else does") {
  const Listener v4;
  for (const auto* any : {"127.0.0.1", "0.0.0.0"})
    CHECK(answering(listening(any, v4.port()), v4.port()) == "127.0.0.1");
  CHECK(answering(listening("127.0.0.1", 1), v4.port()).empty());
  CHECK(answering(listening("10.0.0.1", v4.port()), v4.port()).empty());
  if (kNoIpv6) return;
  // It has the port on IPv6 alone; on IPv4 it is somebody else's.
  CHECK(answering(listening("::1", v4.port()), v4.port()).empty());
  const Listener v6(boost::asio::ip::address_v6::loopback());
  for (const auto* any : {"::1", "::"}) CHECK(answering(listening(any, v6.port()), v6.port()) == "::1");
  CHECK(answering(listening("127.0.0.1", v6.port()), v6.port()).empty());
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
