// The attack table's rows about a workload that turns on its VM: it gets its own files and the network, not the agent's
// memory, socket, token or key.
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <set>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "libdd/core/folder.hpp"
#include "tests/support/few_descriptors.hpp"
#include "tests/unit/enclave/running_enclave.hpp"

using namespace dd;
using dd::test::RunningEnclave;

namespace {

Json agent() {
  return Json::array(
      {{{"app_name", "dd-agent"}, {"role", "agent"}, {"inherit_token", true}, {"cmd", {"sleep", "1000"}}}});
}

/// A boot workload that asks the runtime once, with the token; what it was answered is its first line.
Json asking(const std::string& members, const std::string& app = "dd-agent") {
  std::string line = "{" + members + R"(,"token":"'$EE_TOKEN'"})";
  const auto script = std::string(DD_PROBE) + " ask \"$EE_SOCKET_PATH\" '" + line + "'; sleep 1000";
  return Json::array({{{"app_name", app}, {"inherit_token", true}, {"cmd", {"sh", "-c", script}}}});
}

struct BoundaryFixture {
  RunningEnclave enclave{agent()};
  std::string agent_pid = [this] {
    CHECK(test::eventually([this] { return enclave.find("dd-agent").status == DeploymentStatus::running; }));
    return std::to_string(enclave.find("dd-agent").pid.value_or(0));
  }();
};

}  // namespace

TEST_CASE("a workload reaches nothing of the agent's" * doctest::skip(test::kNoRoot)) {
  BoundaryFixture f;
  for (const char* attempt :
       {"read-memory", "write-memory", "trace", "read-environment", "take-capability", "signal"}) {
    CAPTURE(attempt);
    CHECK(f.enclave.probe({attempt, f.agent_pid}).starts_with("refused"));
  }
}

TEST_CASE("a workload reaches nothing of the runtime's" * doctest::skip(test::kNoRoot)) {
  RunningEnclave enclave;
  const auto runtime = std::to_string(getpid());
  for (const char* attempt : {"read-memory", "trace", "read-environment", "signal"}) {
    CAPTURE(attempt);
    CHECK(enclave.probe({attempt, runtime}).starts_with("refused"));
  }
}

TEST_CASE("a workload reaches nothing of another workload's" * doctest::skip(test::kNoRoot)) {
  RunningEnclave enclave;
  const auto other = enclave.settled(enclave.deploy("other", {"sleep", "1000"}, {{"env", {"SECRET=1"}}}));
  for (const char* attempt : {"read-memory", "trace", "read-environment", "signal"}) {
    CAPTURE(attempt);
    CHECK(enclave.probe({attempt, std::to_string(other.pid.value())}).starts_with("refused"));
  }
  CHECK(enclave.probe({"list-folder", (enclave.data() / "work" / "other").string()}).starts_with("refused"));
}

TEST_CASE("a workload cannot connect to the socket" * doctest::skip(test::kNoRoot)) {
  RunningEnclave enclave;
  CHECK(enclave.probe({"connect", enclave.socket().string()}) == "refused: Permission denied");
}

TEST_CASE("who has the token may use the socket, under its own uid" * doctest::skip(test::kNoRoot)) {
  RunningEnclave enclave(asking(R"("method":"health")"));
  const auto answer = parse_json(enclave.line(enclave.find("dd-agent").id, "{")).value();
  CHECK(answer.at("ok") == true);
  CHECK(answer.at("boundary") == "uid");
}

TEST_CASE("even who has the token gets no quote over chosen data" * doctest::skip(test::kNoRoot)) {
  RunningEnclave enclave(asking(R"("method":"attest")"));
  CHECK(parse_json(enclave.line(enclave.find("dd-agent").id, "{")).value().at("code") == "permission_denied");
}

TEST_CASE("a boot workload with the token enters no other app, unless it is the agent or the control plane" *
          doctest::skip(test::kNoRoot)) {
  const struct {
    const char* role;
    const char* method;
    bool enters;
  } cases[] = {{"", "exec", false}, {"", "attach", false}, {"agent", "exec", true}, {"cp", "exec", true}};
  for (const auto& c : cases) {
    CAPTURE(c.role);
    CAPTURE(c.method);
    auto boot = asking(R"("method":")" + std::string(c.method) + R"(","app":"victim","cmd":["id","-u"])", "asker");
    if (*c.role != 0) boot[0]["role"] = c.role;
    boot[0]["cmd"][2] = "while [ ! -e go ]; do sleep 0.01; done; " + boot[0]["cmd"][2].get<std::string>();
    RunningEnclave enclave(std::move(boot));
    const auto victim = enclave.settled(enclave.deploy("victim", {"sleep", "1000"}));
    std::ofstream(enclave.data() / "work/asker/go").flush();
    const auto answer = parse_json(enclave.line(enclave.find("asker").id, "{")).value();
    CAPTURE(answer.dump());
    CHECK(answer.at("ok") == c.enters);
    if (c.enters) CHECK(answer.at("stdout") == std::to_string(victim.uid) + "\n");
    if (!c.enters) CHECK(answer.at("code") == "permission_denied");
  }
}

TEST_CASE("a workload has no privileges and gets none" * doctest::skip(test::kNoRoot)) {
  RunningEnclave enclave;
  const auto id = enclave.deploy("app", {"cat", "/proc/self/status"});
  enclave.finished(id);
  for (const char* set : {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"})
    CHECK(enclave.line(id, set) == std::string(set) + ":\t0000000000000000");
  CHECK(enclave.line(id, "NoNewPrivs") == "NoNewPrivs:\t1");
  CHECK(enclave.probe({"become-root"}).starts_with("refused"));
  CHECK(enclave.probe({"write-file", "/proc/sys/kernel/core_pattern"}).starts_with("refused"));
}

TEST_CASE("a workload that crashes leaves no core") {
  RunningEnclave enclave;
  const auto id = enclave.deploy("app", {"sh", "-c", "ulimit -c; ulimit -H -c"});
  enclave.finished(id);
  CHECK(enclave.logs(id) == std::vector<std::string>{"0", "0"});
}

TEST_CASE("the executables in the store are nobody's to change" * doctest::skip(test::kNoRoot)) {
  RunningEnclave enclave;
  const auto id = enclave.deploy("app", {"true"});
  const auto digest = enclave.finished(id).digest;
  CHECK(enclave.probe({"write-file", (enclave.data() / "store" / ("sha256-" + digest.substr(7))).string()})
            .starts_with("refused"));
  CHECK(enclave.probe({"write-file", (enclave.data() / "store" / "new").string()}).starts_with("refused"));
  CHECK(enclave.probe({"list-folder", (enclave.data() / "store").string()}).starts_with("refused"));
}

TEST_CASE("every app has a uid of its own, and keeps it" * doctest::skip(test::kNoRoot)) {
  RunningEnclave enclave;
  const auto one = enclave.settled(enclave.deploy("one", {"sleep", "1000"}));
  const auto two = enclave.settled(enclave.deploy("two", {"sleep", "1000"}));
  CHECK(one.uid != two.uid);
  CHECK(one.uid != 0);
  CHECK(enclave.settled(enclave.deploy("one", {"sleep", "1000"})).uid == one.uid);
}

TEST_CASE("a privileged workload is root and its record says so" * doctest::skip(test::kNoRoot)) {
  RunningEnclave enclave;
  const auto id = enclave.deploy("app", {"id", "-u"}, {{"privileged", true}});
  const auto end = enclave.finished(id);
  CHECK(end.privileged);
  CHECK(end.uid == 0);
  CHECK(enclave.logs(id) == std::vector<std::string>{"0"});
}

TEST_CASE("what an app wrote while it was privileged is not its next run's" * doctest::skip(test::kNoRoot)) {
  RunningEnclave enclave;
  enclave.finished(enclave.deploy("app", {"sh", "-c", "echo root > file"}, {{"privileged", true}}));
  const auto id = enclave.deploy("app", {"sh", "-c", "ls; echo mine > file"});
  CHECK(enclave.finished(id).exit_code == 0);
  CHECK(enclave.logs(id).empty());
}

TEST_CASE("an app that nested folders without end is deployed again" * doctest::skip(test::kNoRoot)) {
  const test::FewDescriptors limited(256);
  RunningEnclave enclave;
  const auto nest = "import os\nfor _ in range(600):\n  os.mkdir('f' * 9)\n  os.chdir('f' * 9)\n";
  CHECK(enclave.finished(enclave.deploy("app", {"python3", "-c", nest})).exit_code == 0);
  const auto again = enclave.finished(enclave.deploy("app", {"ls"}, {{"privileged", true}}));
  CHECK(again.exit_code == 0);
  CHECK(enclave.logs(again.id).empty());
  CHECK(test::eventually([&enclave] { return entries_of(enclave.data() / "work").size() == 2; }));
}

TEST_CASE("a workload's link does not make the runtime copy what only root may read" * doctest::skip(test::kNoRoot)) {
  RunningEnclave enclave;
  const TempDir roots;
  const auto secret = roots.write("secret", "of root");
  chmod(secret.c_str(), 0700);
  const auto link = "ln -s " + secret.string() + " tool; exec sleep 1000";
  enclave.settled(enclave.deploy("app", {"sh", "-c", link}));
  const auto tool = enclave.data() / "work/app/tool";
  CHECK(test::eventually([&tool] { return std::filesystem::is_symlink(tool); }));
  const auto failed = enclave.settled(enclave.deploy("other", {tool.string()}));
  CHECK(failed.status == DeploymentStatus::failed);
  CHECK(failed.error_message.find("a link leads out of a folder of uid ") != std::string::npos);
}

TEST_CASE("what an app left in shared folders is gone when it ends, for a command in it too" *
          doctest::skip(test::kNoRoot)) {
  RunningEnclave enclave;
  const auto mark = "dd-left-" + std::to_string(getpid());
  const auto leave = "cd /tmp && mkdir " + mark + " && cd /dev/shm && echo x > " + mark;
  const auto is_there = [&mark](const char* folder) {
    return std::filesystem::exists(std::filesystem::path(folder) / mark);
  };
  const auto app = enclave.settled(enclave.deploy("app", {"sh", "-c", leave + "; exec sleep 1000"}));
  CHECK(test::eventually([&] { return is_there("/tmp") && is_there("/dev/shm"); }));
  // Not while something of the app lives.
  CHECK(enclave.call({{"method", "exec"}, {"cmd", {"true"}}, {"app", "app"}}).at("ok") == true);
  CHECK(is_there("/tmp"));
  enclave.call({{"method", "stop"}, {"id", app.id}});
  CHECK(test::eventually([&] { return !is_there("/tmp") && !is_there("/dev/shm"); }));
  CHECK(enclave.call({{"method", "exec"}, {"cmd", {"sh", "-c", leave}}}).at("exit_code") == 0);
  CHECK_FALSE(is_there("/tmp"));
}

TEST_CASE("a workload inherits three descriptors and a clean environment") {
  RunningEnclave enclave;
  CHECK(enclave.probe({"descriptors"}) == "0 1 2 ");
  const auto id = enclave.deploy("app", {"env"}, {{"env", {"MINE=1", "TERM=dumb", "DD_CAP_FD=3"}}});
  enclave.finished(id);
  std::set<std::string> names;
  for (const auto& line : enclave.logs(id)) names.insert(line.substr(0, line.find('=')));
  CHECK(names == std::set<std::string>{"PATH", "HOME", "TERM", "MINE", "DD_CAP_FD", "DD_DEPLOYMENT_ID"});
  CHECK(enclave.line(id, "TERM") == "TERM=dumb");
}

TEST_CASE("a deploy that asks for the token does not get it") {
  RunningEnclave enclave;
  const auto id = enclave.deploy("app", {"env"}, {{"inherit_token", true}, {"role", "agent"}});
  enclave.finished(id);
  for (const auto& line : enclave.logs(id)) {
    CHECK_FALSE(line.starts_with("EE_TOKEN"));
    CHECK_FALSE(line.starts_with("DD_CAP_FD"));
  }
}
