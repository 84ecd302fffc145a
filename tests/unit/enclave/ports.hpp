// Ports and who listens on them, as tests of the runtime ask about them.
#pragma once

#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "tests/unit/enclave/running_enclave.hpp"

namespace dd::test {

/// One that this process listens on until it is let go of.
struct HeldPort {
  boost::asio::io_context io;
  boost::asio::ip::tcp::acceptor acceptor{io, {boost::asio::ip::address_v4::loopback(), 0}};
  std::uint16_t port = acceptor.local_endpoint().port();
};

inline std::uint16_t free_port() { return HeldPort().port; }

inline Json exposing(std::uint16_t port) { return {{"expose", {{"hostname_label", "web"}, {"port", port}}}}; }

/// A command that does that on a port.
inline std::vector<std::string> probing(const std::string& verb, std::uint16_t port) {
  return {DD_PROBE, verb, std::to_string(port)};
}

inline DeploymentInfo wait_for(RunningEnclave& enclave, const std::string& id, const std::string& until = "listening",
                               int timeout_ms = 20'000) {
  const auto answer = enclave.call({{"method", "wait"}, {"id", id}, {"until", until}, {"timeout_ms", timeout_ms}});
  REQUIRE_MESSAGE(answer.at("ok") == true, answer.dump());
  return deployment_info_from(answer.at("deployment")).value();
}

inline std::vector<ListenAddress> listeners_of(RunningEnclave& enclave, const std::string& id) {
  const auto answer = enclave.call({{"method", "list"}, {"listeners", true}});
  for (const auto& one : answer.at("deployments"))
    if (one.at("id") == id) return deployment_info_from(one).value().listeners.value();
  return {};
}

}  // namespace dd::test
