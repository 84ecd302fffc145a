// Processes through the socket: start, end, stop, replace.
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "tests/unit/enclave/running_enclave.hpp"

using namespace dd;
using dd::test::eventually;
using dd::test::process_lives;
using dd::test::RunningEnclave;
using Status = DeploymentStatus;
using namespace std::chrono_literals;

namespace {

const std::vector<std::string> kUntilStopped = {"sleep", "1000"};

Json stop_request(const std::string& id) { return {{"method", "stop"}, {"id", id}}; }

std::chrono::milliseconds time_of(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start);
}

}  // namespace

TEST_CASE("how a process ended is in its record") {
  RunningEnclave enclave;
  const struct {
    const char* name;
    std::string script;
    std::optional<int> code;
    std::optional<int> signal;
  } cases[] = {
      {"well", "exit 0", 0, {}},
      {"with a code", "exit 42", 42, {}},
      {"by a signal", "kill -9 $$", {}, SIGKILL},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    const auto end = enclave.finished(enclave.deploy("app", {"sh", "-c", c.script}));
    CHECK(end.status == Status::exited);
    CHECK(end.exit_code == c.code);
    CHECK(end.signal == c.signal);
    CHECK_FALSE(end.exited_at.empty());
    CHECK(end.digest.starts_with("sha256:"));
    CHECK(end.pid.has_value());
  }
}

TEST_CASE("a workload with tty has a terminal, and what it writes there is its log") {
  RunningEnclave enclave;
  const auto script = "test -t 0 && test -t 1 && test -t 2 && stty size; tty | cut -c1-9; echo err >&2; exit 3";
  const auto id = enclave.deploy("app", {"sh", "-c", script}, {{"tty", true}});
  CHECK(enclave.finished(id).exit_code == 3);
  CHECK(enclave.logs(id) == std::vector<std::string>{"24 80", "/dev/pts/", "err"});
  const auto forever = enclave.deploy("app", kUntilStopped, {{"tty", true}});
  CHECK(enclave.settled(forever).status == Status::running);
  CHECK(enclave.call(stop_request(forever)).at("ok") == true);
  CHECK(enclave.finished(forever).status == Status::stopped);
}

TEST_CASE("what a workload writes is read, whatever it is") {
  RunningEnclave enclave;
  const auto id =
      enclave.deploy("app", {"sh", "-c", "echo out; echo err >&2; printf 'bad \\377 byte\\n'; printf unfinished"});
  enclave.finished(id);
  CHECK(enclave.logs(id) == std::vector<std::string>{"out", "err", "bad \xef\xbf\xbd byte", "unfinished"});
  const auto page = enclave.call({{"method", "logs"}, {"id", id}, {"from", 1}, {"tail", 2}});
  CHECK(page.at("lines") == Json{"err", "bad \xef\xbf\xbd byte"});
  CHECK(page.at("first") == 1);
  CHECK(page.at("next") == 3);
}

TEST_CASE("a workload that cannot start is failed and says why") {
  RunningEnclave enclave;
  const struct {
    const char* name;
    std::vector<std::string> cmd;
    const char* says;
  } cases[] = {
      {"no such program", {"no-such-program"}, "no-such-program"},
      {"not an executable", {"/etc/passwd"}, "/etc/passwd"},
      {"an interpreter that is missing", {}, "executing it"},
  };
  const TempDir folder;
  const auto script = folder.write("script", "#!/no/such/interpreter\n");
  std::filesystem::permissions(script, std::filesystem::perms::all);
  for (auto c : cases) {
    CAPTURE(c.name);
    if (c.cmd.empty()) c.cmd = {script.string()};
    const auto end = enclave.finished(enclave.deploy("app", c.cmd));
    CHECK(end.status == Status::failed);
    CHECK(end.error_message.find(c.says) != std::string::npos);
  }
}

TEST_CASE("scripts run, with the name they were called by") {
  RunningEnclave enclave;
  const TempDir folder;
  const auto script = folder.write("tool", "#!/bin/sh\necho \"script says $1\"\n");
  std::filesystem::permissions(script, std::filesystem::perms::owner_all);
  const auto id = enclave.deploy("app", {script.string(), "hello"});
  enclave.finished(id);
  CHECK(enclave.logs(id) == std::vector<std::string>{"script says hello"});
  const auto named = enclave.deploy("app", {"sh", "-c", "echo $0"});
  enclave.finished(named);
  CHECK(enclave.logs(named) == std::vector<std::string>{"sh"});
}

TEST_CASE("stop is prompt when the process obeys") {
  RunningEnclave enclave;
  const auto id = enclave.deploy("app", kUntilStopped);
  const auto pid = static_cast<pid_t>(enclave.settled(id).pid.value());
  CHECK(time_of([&] { CHECK(enclave.call(stop_request(id)).at("ok") == true); }) < 300ms);
  CHECK_FALSE(process_lives(pid));
  const auto end = enclave.info(id);
  CHECK(end.status == Status::stopped);
  CHECK(end.signal == SIGTERM);
}

TEST_CASE("stop kills what does not obey when the grace is over") {
  RunningEnclave enclave(Json::array(), 200ms);
  const auto id = enclave.deploy("app", {DD_PROBE, "ignore-term"});
  enclave.line(id, "ready");
  const auto taken = time_of([&] { CHECK(enclave.call(stop_request(id)).at("ok") == true); });
  CHECK(taken >= 200ms);
  CHECK(taken < 1500ms);
  CHECK(enclave.info(id).signal == SIGKILL);
}

TEST_CASE("a child that outlives its parent in the group is gone after stop") {
  RunningEnclave enclave(Json::array(), 200ms);
  const auto id = enclave.deploy("app", {DD_PROBE, "leave-child"});
  const auto child = std::stoi(enclave.line(id, "stubborn").substr(9));
  CHECK(enclave.call(stop_request(id)).at("ok") == true);
  CHECK_FALSE(process_lives(child));
}

TEST_CASE("a child that left the group and the session is gone after stop" * doctest::skip(geteuid() != 0)) {
  RunningEnclave enclave;
  const auto id = enclave.deploy("app", {DD_PROBE, "leave-group"});
  const auto child = std::stoi(enclave.line(id, "away").substr(5));
  REQUIRE(process_lives(child));
  CHECK(time_of([&] { CHECK(enclave.call(stop_request(id)).at("ok") == true); }) < 1000ms);
  CHECK_FALSE(process_lives(child));
}

TEST_CASE("a workload is over when its first process is") {
  RunningEnclave enclave;
  const auto id = enclave.deploy("app", {"sh", "-c", "sleep 1000 & echo child $!"});
  const auto end = enclave.finished(id);
  CHECK(end.exit_code == 0);
  CHECK_FALSE(process_lives(std::stoi(enclave.line(id, "child").substr(6))));
}

TEST_CASE("what is over cannot be stopped, nor what never was") {
  RunningEnclave enclave;
  const auto id = enclave.deploy("app", {"true"});
  enclave.finished(id);
  auto answer = enclave.call(stop_request(id));
  CHECK(answer.at("ok") == false);
  CHECK(answer.at("code") == "conflict");
  CHECK(answer.at("error") == "cannot stop deployment in 'exited' status");
  answer = enclave.call(stop_request("00000000-0000-4000-8000-000000000000"));
  CHECK(answer.at("code") == "not_found");
  CHECK(answer.at("error") == "deployment not found");
}

TEST_CASE("a new deploy of an app takes the place of the old one") {
  RunningEnclave enclave;
  const auto old_id = enclave.deploy("app", kUntilStopped);
  const auto old_pid = static_cast<pid_t>(enclave.settled(old_id).pid.value());
  const auto new_id = enclave.deploy("app", kUntilStopped);
  CHECK(enclave.settled(new_id).status == Status::running);
  CHECK(enclave.info(old_id).status == Status::stopped);
  CHECK_FALSE(process_lives(old_pid));
}

TEST_CASE("a deploy that fails leaves the old one running") {
  RunningEnclave enclave;
  const auto old_id = enclave.deploy("app", kUntilStopped);
  enclave.settled(old_id);
  const auto new_id = enclave.deploy("app", {"no-such-program"});
  CHECK(enclave.finished(new_id).status == Status::failed);
  CHECK(enclave.info(old_id).status == Status::running);
}

TEST_CASE("deploys of one app that come together leave exactly one running, the last") {
  RunningEnclave enclave;
  std::vector<std::string> ids;
  for (int i = 0; i < 8; ++i) ids.push_back(enclave.deploy("app", kUntilStopped));
  CHECK(enclave.settled(ids.back()).status == Status::running);
  for (std::size_t i = 0; i + 1 < ids.size(); ++i) CHECK(enclave.info(ids[i]).status == Status::stopped);
}

TEST_CASE("a stop that comes while it is being deployed leaves nothing") {
  RunningEnclave enclave;
  for (int i = 0; i < 20; ++i) {
    const auto id = enclave.deploy("app", kUntilStopped);
    CHECK(enclave.call(stop_request(id)).at("ok") == true);
    const auto end = enclave.info(id);
    CHECK(end.status == Status::stopped);
    if (end.pid) CHECK_FALSE(process_lives(static_cast<pid_t>(*end.pid)));
  }
}

TEST_CASE("deploying and stopping again and again leaves nothing behind") {
  RunningEnclave enclave;
  const auto cycle = [&] {
    const auto id = enclave.deploy("app", kUntilStopped);
    enclave.settled(id);
    CHECK(enclave.call(stop_request(id)).at("ok") == true);
  };
  for (int i = 0; i < 5; ++i) cycle();
  const auto descriptors = test::open_descriptors();
  for (int i = 0; i < 200; ++i) cycle();
  // What the last one left may still be looked for.
  CHECK(test::eventually([descriptors] { return test::open_descriptors() <= descriptors; }));
  CHECK(enclave.list().size() <= 1 + 64 + 1);
}

TEST_CASE("files of an app stay for its next deploy, and are no other app's") {
  RunningEnclave enclave;
  enclave.finished(enclave.deploy("one", {"sh", "-c", "echo kept > \"$HOME\"/file"}));
  const auto again = enclave.deploy("one", {"cat", "file"});
  enclave.finished(again);
  CHECK(enclave.logs(again) == std::vector<std::string>{"kept"});
  const auto other = enclave.deploy("two", {"ls"});
  enclave.finished(other);
  CHECK(enclave.logs(other).empty());
}

TEST_CASE("the runtime ends all it started when it is stopped") {
  RunningEnclave enclave(Json::array(), 300ms);
  std::vector<pid_t> pids;
  for (const char* app : {"one", "two", "three"})
    pids.push_back(static_cast<pid_t>(enclave.settled(enclave.deploy(app, kUntilStopped)).pid.value()));
  const auto stubborn = enclave.deploy("four", {DD_PROBE, "ignore-term"});
  enclave.line(stubborn, "ready");
  pids.push_back(static_cast<pid_t>(enclave.info(stubborn).pid.value()));
  // All at once: the stubborn one costs its grace, the others nothing more.
  CHECK(time_of([&] { enclave.stop(); }) < 1500ms);
  for (const auto pid : pids) CHECK_FALSE(process_lives(pid));
  CHECK_FALSE(std::filesystem::exists(enclave.socket()));
}
