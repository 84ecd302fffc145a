// The ports of boot workloads are the runtime's as long as it lives, and theirs while they run.
#include <chrono>

#include <doctest/doctest.h>
#include <boost/asio/read.hpp>
#include <nlohmann/json.hpp>

#include "tests/unit/enclave/ports.hpp"

using namespace dd;
using dd::test::eventually;
using dd::test::RunningEnclave;

namespace {

namespace ip = boost::asio::ip;

Json booting(std::vector<std::string> cmd, const Json& more) {
  Json workload = {{"app_name", "service"}, {"role", "agent"}, {"cmd", std::move(cmd)}};
  workload.update(more);
  return Json::array({workload});
}

Json listening_at(std::uint16_t port, const std::string& name = "http") {
  return {{"listen", {{{"name", name}, {"port", port}}}}};
}

/// What whoever takes the connection answers.
std::string said_at(const ip::address& address, std::uint16_t port) {
  boost::asio::io_context io;
  ip::tcp::socket socket(io);
  socket.connect({address, port});
  std::string answer;
  boost::system::error_code ended;
  boost::asio::read(socket, boost::asio::dynamic_buffer(answer), ended);
  return answer;
}

std::uint16_t port_in(RunningEnclave& enclave, const std::string& family) {
  const auto line = enclave.line(enclave.find("service").id, "at " + family);
  return static_cast<std::uint16_t>(std::stoi("0" + line.substr(std::min(line.size(), family.size() + 4))));
}

}  // namespace

TEST_CASE(
    "a boot workload inherits its port in both families, and what connects while it is not there is for the next one") {
  RunningEnclave enclave(booting({DD_PROBE, "serve-inherited"}, listening_at(0, "web")));
  const auto id = enclave.find("service").id;
  CHECK(enclave.line(id, "inherited") == "inherited 2 as web:web, mine");
  const auto port = port_in(enclave, "127.0.0.1");
  const auto first = said_at(ip::address_v4::loopback(), port);
  CHECK(port_in(enclave, "::1") == port);
  CHECK(said_at(ip::address_v6::loopback(), port) == first);
  // It ends now, and is there again after half a second.
  const auto next = said_at(ip::address_v4::loopback(), port);
  CHECK_FALSE(next.empty());
  CHECK(next != first);
}

TEST_CASE("nobody else gets the port of a boot workload, whether that runs or not") {
  const auto port = test::free_port();
  RunningEnclave enclave(booting({"sh", "-c", "exit 1"}, listening_at(port)));
  CHECK(enclave.probe({"listen", std::to_string(port)}).starts_with("refused"));
  boost::asio::io_context io;
  for (const ip::address& address :
       {ip::address(ip::address_v4::loopback()), ip::address(ip::address_v6::loopback())}) {
    ip::tcp::acceptor other(io, address.is_v4() ? ip::tcp::v4() : ip::tcp::v6());
    other.set_option(boost::asio::socket_base::reuse_address(true));
    boost::system::error_code failed;
    other.bind({address, port}, failed);
    if (!failed) other.listen(1, failed);
    CHECK(failed == boost::asio::error::address_in_use);
  }
}

TEST_CASE("the port of a role is the one of its settings; a port that cannot be had stops only who asked for it") {
  const test::HeldPort held;
  const struct {
    const char* name;
    std::vector<std::string> env;
    Json more;
    bool runs;
    std::string says;
  } rows[] = {
      {"as it says", {"DD_PORT=" + std::to_string(held.port)}, {{"listen", Json::array()}}, true, "fds "},
      {"by its settings", {"DD_PORT=0"}, Json::object(), true, "fds 2"},
      {"held by another", {"DD_PORT=" + std::to_string(held.port)}, Json::object(), true, "fds "},
      {"held by another, and asked for", {}, listening_at(held.port), false, ""},
      {"at another address", {"DD_PORT=0", "DD_ADDRESS=0.0.0.0"}, Json::object(), true, "fds "},
  };
  for (const auto& row : rows) {
    CAPTURE(row.name);
    auto more = row.more;
    more["env"] = row.env;
    RunningEnclave enclave(booting({"sh", "-c", "echo \"fds $LISTEN_FDS\"; sleep 1000"}, more));
    const auto info = enclave.settled(enclave.find("service").id);
    CHECK((info.status == DeploymentStatus::running) == row.runs);
    if (row.runs)
      CHECK(enclave.line(info.id, "fds") == row.says);
    else
      CHECK(info.error_message ==
            "cannot listen on 127.0.0.1:" + std::to_string(held.port) + ": Address already in use");
  }
}

TEST_CASE("the event log names the ports of a boot workload, and its capability socket comes after them") {
  const auto script =
      std::string(DD_PROBE) + " capability '{\"method\":\"log\",\"from\":0}'; echo fd $DD_CAP_FD; sleep 1000";
  RunningEnclave enclave(booting({"sh", "-c", script}, listening_at(0)));
  const auto id = enclave.find("service").id;
  const auto log = parse_json(enclave.line(id, "{")).value();
  CHECK(log.at("events")[1].at("listen") == Json::array({{{"name", "http"}, {"port", 0}}}));
  CHECK(enclave.line(id, "fd") == "fd 5");
}
