#include "libdd/enclave_client/enclave_client.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "libdd/core/json.hpp"
#include "libdd/net/line_socket.hpp"
#include "tests/support/run_task.hpp"
#include "tests/support/temp_dir.hpp"

using namespace dd;
using enclave_client::EnclaveClient;

namespace {

/// Gives one fixed answer and keeps what it was asked.
struct FakeRuntime {
  explicit FakeRuntime(std::string text) : answer(std::move(text)) {
    net::LineServerOptions options;
    options.path = folder.path() / "agent.sock";
    net::LineHandler handler = [this](std::string line, net::Peer) { return reply(std::move(line)); };
    server.emplace(io.get_executor(), std::move(handler), options);
    REQUIRE(server->start().has_value());
    client.emplace(io.get_executor(), options.path, Secret("token-1"));
  }

  net::Task<std::string> reply(std::string line) {
    asked = parse_json(line).value();
    co_return answer;
  }

  net::asio::io_context io;
  TempDir folder;
  std::string answer;
  Json asked;
  std::optional<net::LineServer> server;
  std::optional<EnclaveClient> client;
};

}  // namespace

TEST_CASE("health of our runtime is read whole") {
  FakeRuntime fake(
      R"({"ok":true,"attestation_type":"tdx","workloads":3,"uptime_secs":7,"boot_id":"b","boundary":"uid"})");
  const auto health = test::run(fake.io, fake.client->health()).value();
  CHECK(health.attestation_type == "tdx");
  CHECK(health.workloads == 3);
  CHECK(health.uptime_secs == 7);
  CHECK(health.boot_id == "b");
  CHECK(health.boundary == "uid");
  CHECK(fake.asked == Json{{"method", "health"}, {"token", "token-1"}});
}

TEST_CASE("a runtime that says nothing of a boundary has none") {
  FakeRuntime fake(R"({"ok":true,"attestation_type":"tdx","workloads":0,"uptime_secs":0})");
  CHECK(test::run(fake.io, fake.client->health()).value().boundary == "none");
}

TEST_CASE("a wait sends what it is for and reads what the deployment is then") {
  FakeRuntime fake(R"({"ok":true,"deployment":{"id":"id-1","app_name":"hello","status":"running",
      "listeners":[{"address":"::1","port":8080}]}})");
  std::erase(fake.answer, '\n');
  const auto info =
      test::run(fake.io, fake.client->wait("id-1", EnclaveClient::Until::listening, std::chrono::milliseconds(1500)))
          .value();
  CHECK(info.listeners == std::vector<ListenAddress>{{"::1", 8080}});
  CHECK(fake.asked.at("method") == "wait");
  CHECK(fake.asked.at("id") == "id-1");
  CHECK(fake.asked.at("until") == "listening");
  CHECK(fake.asked.at("timeout_ms") == 1500);
}

TEST_CASE("a runtime that cannot wait says so, easyenclave's too") {
  for (const char* text : {R"({"ok":false,"error":"unknown method: wait","code":"unsupported","path":"$.method"})",
                           R"({"ok":false,"error":"unknown method: wait"})"}) {
    CAPTURE(text);
    FakeRuntime fake(text);
    const auto info =
        test::run(fake.io, fake.client->wait("id-1", EnclaveClient::Until::ended, std::chrono::milliseconds(0)));
    REQUIRE_FALSE(info.has_value());
    CHECK(info.error().code == ErrorCode::unsupported);
  }
}

TEST_CASE("deploy sends the request as it is and returns the id") {
  FakeRuntime fake(R"({"ok":true,"id":"id-1","status":"deploying"})");
  DeployRequest request;
  request.app_name = "hello";
  request.cmd = {"/bin/hello", "--port"};
  request.env = {{"A", "1=2"}};
  CHECK(test::run(fake.io, fake.client->deploy(request)).value() == "id-1");
  CHECK(fake.asked.at("method") == "deploy");
  CHECK(fake.asked.at("app_name") == "hello");
  CHECK(fake.asked.at("cmd") == Json{"/bin/hello", "--port"});
  CHECK(fake.asked.at("env") == Json{"A=1=2"});
}

TEST_CASE("list reads every record") {
  FakeRuntime fake(
      R"({"ok":true,"deployments":[{"id":"1","pid":null,"app_name":"a","source":"s","status":"exited","exit_code":3,"started_at":"t"},
                       {"id":"2","pid":5,"app_name":"b","source":"s","status":"running","started_at":"t"}]})");
  // One line, as the socket has it.
  std::erase(fake.answer, '\n');
  const auto list = test::run(fake.io, fake.client->list()).value();
  REQUIRE(list.size() == 2);
  CHECK(list[0].exit_code == 3);
  CHECK(list[1].status == DeploymentStatus::running);
}

TEST_CASE("logs and stop name the deployment") {
  FakeRuntime fake(R"({"ok":true,"lines":["one","two"],"first":3,"next":5})");
  CHECK(test::run(fake.io, fake.client->logs("id-1", 5, std::nullopt)).value() == LogLines{{"one", "two"}, 3, 5});
  CHECK(fake.asked.at("id") == "id-1");
  CHECK(fake.asked.at("tail") == 5);
  CHECK_FALSE(fake.asked.contains("from"));
  CHECK(test::run(fake.io, fake.client->logs("id-1", 5, 3)).has_value());
  CHECK(fake.asked.at("from") == 3);
  CHECK(test::run(fake.io, fake.client->stop("id-2")).has_value());
  CHECK(fake.asked.at("id") == "id-2");
}

TEST_CASE("what the runtime refuses reaches the caller with its code") {
  FakeRuntime fake(
      R"({"ok":false,"error":"cannot stop dd-agent: it is a boot workload","code":"conflict","reason":"reserved_name"})");
  const auto stopped = test::run(fake.io, fake.client->stop("id-1"));
  REQUIRE_FALSE(stopped.has_value());
  CHECK(stopped.error().code == ErrorCode::conflict);
  CHECK(stopped.error().reason == "reserved_name");
}

TEST_CASE("an answer without what was asked for is refused") {
  FakeRuntime fake(R"({"ok":true})");
  CHECK(test::run(fake.io, fake.client->health()).error().code == ErrorCode::upstream);
  CHECK(test::run(fake.io, fake.client->deploy({})).error().code == ErrorCode::upstream);
  CHECK(test::run(fake.io, fake.client->list()).error().code == ErrorCode::upstream);
  CHECK(test::run(fake.io, fake.client->logs("1", 1, std::nullopt)).error().code == ErrorCode::upstream);
}

TEST_CASE("without a socket the runtime is unavailable") {
  net::asio::io_context io;
  const TempDir folder;
  EnclaveClient client(io.get_executor(), folder.path() / "none.sock", Secret());
  const auto health = test::run(io, client.health());
  REQUIRE_FALSE(health.has_value());
  CHECK(health.error().code == ErrorCode::unavailable);
}

TEST_CASE("exec asks for what was wanted and returns how it ended") {
  FakeRuntime fake(R"({"ok":true,"id":"id-1","exit_code":3,"stdout":"out","stderr":"err"})");
  protocol::ExecRequest request;
  request.cmd = {"sh", "-c", "exit 3"};
  request.app_name = "app";
  request.timeout = std::chrono::seconds(7);
  const auto answer = test::run(fake.io, fake.client->exec(request, std::stop_token())).value();
  CHECK(answer == protocol::ExecAnswer{"id-1", {3, {}}, "out", "err", false});
  CHECK(fake.asked == Json{{"method", "exec"},
                           {"token", "token-1"},
                           {"cmd", {"sh", "-c", "exit 3"}},
                           {"app", "app"},
                           {"timeout_secs", 7}});
}

TEST_CASE("an answer to exec that is none is the runtime's fault") {
  for (const char* line : {R"({"ok":true})", R"({"ok":true,"exit_code":"3","stdout":"","stderr":""})"}) {
    CAPTURE(line);
    FakeRuntime fake(line);
    protocol::ExecRequest request;
    request.cmd = {"true"};
    const auto answer = test::run(fake.io, fake.client->exec(request, std::stop_token()));
    REQUIRE_FALSE(answer.has_value());
    CHECK(answer.error().code == ErrorCode::upstream);
  }
}

TEST_CASE("attach asks for frames and a size, and keeps the connection") {
  FakeRuntime fake(R"({"ok":true,"attached":true,"id":"id-1"})");
  const auto terminal = test::run(fake.io, fake.client->attach("app", {100, 30})).value();
  CHECK(terminal->id() == "id-1");
  CHECK(
      fake.asked ==
      Json{
          {"method", "attach"}, {"token", "token-1"}, {"app", "app"}, {"mode", "framed"}, {"cols", 100}, {"rows", 30}});
}

TEST_CASE("a runtime that refuses to attach, or only says that it did something, gives no terminal") {
  const struct {
    const char* line;
    ErrorCode code;
  } cases[] = {{R"({"ok":false,"error":"cannot attach","code":"not_found"})", ErrorCode::not_found},
               {R"({"ok":true,"attached":false,"id":"id-1"})", ErrorCode::upstream},
               {R"({"ok":true})", ErrorCode::upstream}};
  for (const auto& c : cases) {
    CAPTURE(c.line);
    FakeRuntime fake(c.line);
    const auto terminal = test::run(fake.io, fake.client->attach("app", {}));
    REQUIRE_FALSE(terminal.has_value());
    CHECK(terminal.error().code == c.code);
  }
}

TEST_CASE("exec and attach say so when the runtime is not there") {
  const TempDir folder;
  net::asio::io_context io;
  EnclaveClient client(io.get_executor(), folder.path() / "none.sock", Secret("t"));
  protocol::ExecRequest request;
  request.cmd = {"true"};
  const auto executed = test::run(io, client.exec(request, std::stop_token()));
  REQUIRE_FALSE(executed.has_value());
  CHECK(executed.error().code == ErrorCode::unavailable);
  const auto terminal = test::run(io, client.attach("app", {}));
  REQUIRE_FALSE(terminal.has_value());
  CHECK(terminal.error().code == ErrorCode::unavailable);
}
