// exec through the socket: who the command is, what it may, how it ends.
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <future>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "tests/support/run_task.hpp"
#include "tests/unit/enclave/running_enclave.hpp"

using namespace dd;
using dd::test::eventually;
using dd::test::process_lives;
using dd::test::RunningEnclave;

namespace {

const std::vector<std::string> kForever = {"sleep", "1000"};

Json exec(std::vector<std::string> cmd, Json more = Json::object()) {
  more["method"] = "exec";
  more["cmd"] = std::move(cmd);
  return more;
}

Json exec_shell(const std::string& script, Json more = Json::object()) {
  return exec({"sh", "-c", script}, std::move(more));
}

/// Callers that wait, each over a connection of its own.
class Callers {
 public:
  explicit Callers(RunningEnclave& enclave) : enclave_(enclave) {}

  void begin(Json request) {
    clients_.push_back(std::make_unique<net::LineClient>(io_.get_executor(), enclave_.socket()));
    request["token"] = enclave_.token();
    running_.push_back(test::start(io_, clients_.back()->call(request.dump(), std::chrono::seconds(20))));
  }
  void leave() { clients_.clear(); }
  [[nodiscard]] bool all_answered() {
    test::settle(io_);
    return std::ranges::all_of(running_, [](const auto& call) { return call->result.has_value(); });
  }
  [[nodiscard]] Json commands() {
    test::settle(io_);
    return enclave_.call({{"method", "commands"}}).at("commands");
  }

 private:
  RunningEnclave& enclave_;
  net::asio::io_context io_;
  std::vector<std::unique_ptr<net::LineClient>> clients_;
  std::vector<std::shared_ptr<test::Started<Result<std::string>>>> running_;
};

}  // namespace

TEST_CASE("a command is run to its end and answered for") {
  RunningEnclave enclave;
  const struct {
    const char* name;
    std::string script;
    int code;
    std::string out;
    std::string err;
  } cases[] = {
      {"well", "echo out; echo err >&2", 0, "out\n", "err\n"},
      {"with a code", "printf half; exit 42", 42, "half", ""},
      {"by a signal", "echo before; kill -9 $$", -1, "before\n", ""},
      {"bytes that are no text", "printf 'a\\377b'", 0,
       "a\xef\xbf\xbd"
       "b",
       ""},
      {"it reads nothing", "cat; echo over", 0, "over\n", ""},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    const auto answer = enclave.call(exec_shell(c.script));
    REQUIRE_MESSAGE(answer.at("ok") == true, answer.dump());
    CHECK(answer.at("exit_code") == c.code);
    CHECK(answer.at("stdout") == c.out);
    CHECK(answer.at("stderr") == c.err);
    CHECK(answer.contains("signal") == (c.code == -1));
    CHECK_FALSE(answer.contains("truncated"));
  }
  CHECK(enclave.list().size() == 1);  // no deployment came of it
}

TEST_CASE("a command that takes too long is ended with everything it started") {
  RunningEnclave enclave(Json::array(), std::chrono::milliseconds(100));
  const TempDir folder;
  std::filesystem::permissions(folder.path(), std::filesystem::perms::all);
  const auto file = (folder.path() / "pid").string();
  const auto answer =
      enclave.call(exec_shell("trap '' TERM HUP; sh -c 'trap \"\" TERM HUP; echo $$ > " + file + ".new; mv " + file +
                                  ".new " + file + "; while :; do sleep 1; done' & while :; do sleep 1; done",
                              {{"timeout_secs", 1}}));
  CHECK(answer.at("ok") == false);
  CHECK(answer.at("code") == "deadline_exceeded");
  CHECK(answer.at("error") == "command timed out after 1s");
  pid_t child = 0;
  std::ifstream(file) >> child;
  REQUIRE(child > 0);
  CHECK_FALSE(process_lives(child));
}

TEST_CASE("what a command leaves running dies with it, also in a session of its own") {
  RunningEnclave enclave;
  const struct {
    const char* name;
    const char* how;
  } cases[] = {{"a child", "sleep 1000 >/dev/null 2>&1 &"}, {"a session", "setsid sleep 1000 >/dev/null 2>&1 &"}};
  for (const auto& c : cases) {
    CAPTURE(c.name);
    const auto answer = enclave.call(exec_shell(std::string(c.how) + " echo $!"));
    REQUIRE_MESSAGE(answer.at("ok") == true, answer.dump());
    const auto left = static_cast<pid_t>(std::stoi(answer.at("stdout").get<std::string>()));
    CHECK_FALSE(process_lives(left));
  }
}

TEST_CASE("of output without end a part is kept, and the command ends by itself") {
  RunningEnclave enclave;
  const auto answer =
      enclave.call(exec_shell("head -c 3000000 /dev/zero | tr '\\0' x; head -c 2000000 /dev/zero >&2; exit 3"));
  REQUIRE(answer.at("ok") == true);
  CHECK(answer.at("exit_code") == 3);
  CHECK(answer.at("truncated") == true);
  CHECK(answer.at("stdout") == std::string(1024 * 1024, 'x'));
  CHECK(answer.at("stderr").get<std::string>().size() == 1024 * 1024);
}

TEST_CASE("a command outside of workloads has a uid, a folder and an environment of its own") {
  RunningEnclave enclave;
  const auto answer =
      enclave.call(exec_shell("id -u; ls -A; pwd; env | sed 's/=.*//' | sort | tr '\\n' ' '; touch left"));
  REQUIRE(answer.at("ok") == true);
  const auto said = answer.at("stdout").get<std::string>();
  if (!test::kNoRoot) CHECK_FALSE(said.starts_with("0\n"));
  CHECK(said.find((enclave.data() / "work" / ".guest-0").string()) != std::string::npos);
  for (const char* absent : {"EE_TOKEN", "DD_", "EE_SOCKET_PATH"}) CHECK(said.find(absent) == std::string::npos);
  CHECK(said.find("HOME PATH") != std::string::npos);
  CHECK(enclave.call(exec_shell("ls -A")).at("stdout") == "");
}

TEST_CASE("a command in a workload is that workload to the VM" * doctest::skip(test::kNoRoot)) {
  RunningEnclave enclave;
  const auto app = enclave.settled(
      enclave.deploy("app", {"sh", "-c", "echo mine > file; exec sleep 1000"}, {{"env", {"SECRET=of the app"}}}));
  const Json in_app = {{"app", "app"}};
  CHECK(eventually([&] { return enclave.call(exec({"cat", "file"}, in_app)).at("stdout") == "mine\n"; }));
  const auto answer =
      enclave.call(exec_shell("id -u; echo $SECRET; grep -E '^(CapEff|CapBnd|NoNewPrivs)' /proc/self/status", in_app));
  CHECK(answer.at("stdout") ==
        std::to_string(app.uid) +
            "\nof the app\nCapEff:\t0000000000000000\nCapBnd:\t0000000000000000\nNoNewPrivs:\t1\n");
  const auto other = enclave.call(exec_shell("id -u; cat " + (enclave.data() / "work/app/file").string()));
  CHECK(other.at("stdout") != std::to_string(app.uid) + "\n");
  CHECK(other.at("exit_code") == 1);
}

TEST_CASE("root is who asks to be, and whoever is in a privileged workload" * doctest::skip(test::kNoRoot)) {
  RunningEnclave enclave;
  enclave.settled(enclave.deploy("plain", kForever));
  enclave.settled(enclave.deploy("root", kForever, {{"privileged", true}}));
  const struct {
    Json more;
    bool root;
  } cases[] = {{Json::object(), false},
               {{{"app", "plain"}}, false},
               {{{"privileged", true}}, true},
               {{{"app", "plain"}, {"privileged", true}}, true},
               {{{"app", "root"}}, true}};
  for (const auto& c : cases) {
    CAPTURE(c.more.dump());
    CHECK((enclave.call(exec({"id", "-u"}, c.more)).at("stdout") == "0\n") == c.root);
  }
  // What is the workload's is its own still.
  CHECK(enclave.call(exec_shell("echo mine > file && cat file", {{"app", "plain"}})).at("stdout") == "mine\n");
}

TEST_CASE("root's command takes nothing from the workload beside which it runs" * doctest::skip(test::kNoRoot)) {
  RunningEnclave enclave;
  const auto trap = "echo trap > json.py; echo 'echo trap' > .bashrc; exec sleep 1000";
  enclave.settled(enclave.deploy("app", {"sh", "-c", trap}, {{"env", {"BASH_ENV=.bashrc", "PYTHONPATH=."}}}));
  enclave.settled(enclave.deploy("root", kForever, {{"privileged", true}, {"env", {"NAME=of root"}}}));
  for (const Json& where : {Json{{"app", "app"}, {"privileged", true}}, Json{{"privileged", true}}}) {
    CAPTURE(where.dump());
    CHECK(enclave.call(exec({"pwd"}, where)).at("stdout") == "/\n");
    const auto environment = enclave.call(exec({"env"}, where)).at("stdout").get<std::string>();
    CHECK(environment.find("HOME=/root\n") != std::string::npos);
    for (const auto& of_the_app :
         {std::string("BASH_ENV"), std::string("PYTHONPATH"), (enclave.data() / "work").string()})
      CHECK(environment.find(of_the_app) == std::string::npos);
  }
  // Whoever is root already is at home in its own folder.
  const auto own = enclave.call(exec_shell("pwd; echo $NAME", {{"app", "root"}, {"privileged", true}}));
  CHECK(own.at("stdout") == (enclave.data() / "work/root").string() + "\nof root\n");
}

TEST_CASE("exec is refused with the reason") {
  const Json boot = Json::array({{{"app_name", "dd-agent"}, {"role", "agent"}, {"cmd", kForever}}});
  RunningEnclave enclave(boot);
  enclave.finished(enclave.deploy("over", {"true"}));
  CHECK(eventually([&] { return enclave.find("dd-agent").status == DeploymentStatus::running; }));
  const auto long_text = std::string(128 * 1024, 'x');
  const struct {
    const char* name;
    Json request;
    const char* code;
    const char* says;
  } cases[] = {
      {"no command", {{"method", "exec"}}, "malformed", "missing cmd array"},
      {"no list", {{"method", "exec"}, {"cmd", "true"}}, "malformed", "$.cmd"},
      {"an empty list", exec({}), "invalid_argument", "cmd array is empty"},
      {"an empty name", exec({""}), "invalid_argument", "$.cmd[0]"},
      {"a long argument", exec({"true", long_text}), "invalid_argument", "$.cmd[1]"},
      {"no time", exec({"true"}, {{"timeout_secs", 0}}), "invalid_argument", "$.timeout_secs"},
      {"more than an hour", exec({"true"}, {{"timeout_secs", 3601}}), "invalid_argument", "$.timeout_secs"},
      {"a name that is none", exec({"true"}, {{"app", "../x"}}), "invalid_argument", "$.app"},
      {"an unknown workload", exec({"true"}, {{"app", "nobody"}}), "not_found", "nobody"},
      {"one that is over", exec({"true"}, {{"app", "over"}}), "not_found", "no workload of that name runs"},
      {"the agent", exec({"true"}, {{"app", "dd-agent"}}), "conflict", "platform"},
      {"who holds the token", exec({"true"}, {{"app", "holder"}}), "conflict", "platform"},
      {"no program", exec({"no-such-program"}), "not_found", "no-such-program"},
      {"a relative path", exec({"./x"}), "invalid_argument", "./x"},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    const auto answer = enclave.call(c.request);
    REQUIRE(answer.at("ok") == false);
    CHECK(answer.at("code") == c.code);
    CHECK(answer.at("error").get<std::string>().find(c.says) != std::string::npos);
  }
}

TEST_CASE("a command and its workload end together") {
  RunningEnclave enclave;
  const auto id = enclave.deploy("app", kForever);
  enclave.settled(id);
  auto answer = std::async(std::launch::async, [&] {
    net::asio::io_context io;
    net::LineClient client(io.get_executor(), enclave.socket());
    Json request = exec_shell("echo $$ > pid.new; mv pid.new pid; exec sleep 1000", {{"app", "app"}});
    request["token"] = enclave.token();
    return test::run(io, client.call(request.dump(), std::chrono::seconds(20)));
  });
  const auto file = enclave.data() / "work" / "app" / "pid";
  REQUIRE(eventually([&] { return std::filesystem::exists(file); }));
  CHECK(enclave.call({{"method", "stop"}, {"id", id}}).at("ok") == true);
  const auto said = answer.get();
  REQUIRE(said.has_value());
  CHECK(parse_json(*said).value().at("signal") == SIGKILL);
}

TEST_CASE("only so many commands run at once, in each workload and in none, and stopping ends them") {
  RunningEnclave enclave;
  for (const char* app : {"app", "other"}) enclave.settled(enclave.deploy(app, kForever));
  Callers callers(enclave);
  for (std::size_t running = 0; running < 32 + 128; running += 32) {
    const auto more = running < 32 ? Json::object() : Json{{"app", "app"}};
    for (int i = 0; i < 32; ++i) callers.begin(exec(kForever, more));
    CHECK(eventually([&] { return callers.commands().size() == running + 32; }));
  }
  for (const auto& [more, says] : {std::pair(Json::object(), "32 commands and terminals are open outside of workloads"),
                                   std::pair(Json{{"app", "app"}}, "128 commands and terminals are open in it")}) {
    const auto refused = enclave.call(exec({"true"}, more));
    CHECK(refused.at("code") == "unavailable");
    CHECK(refused.at("error").get<std::string>().find(says) != std::string::npos);
  }
  CHECK(enclave.call(exec({"true"}, {{"app", "other"}})).at("exit_code") == 0);
  enclave.stop();
  CHECK(eventually([&] { return callers.all_answered(); }));
}

TEST_CASE("a command ends with its caller, whom nobody hears any more") {
  RunningEnclave enclave(Json::array(), std::chrono::milliseconds(100));
  enclave.settled(enclave.deploy("app", kForever));
  const struct {
    const char* name;
    Json request;
  } rows[] = {{"in no workload", exec_shell("echo $$ >&2; exec sleep 1000")},
              {"in a workload", exec_shell("exec sleep 1000", {{"app", "app"}})},
              {"that minds no signal", exec_shell("trap '' HUP TERM; while :; do sleep 1; done")}};
  for (const auto& row : rows) {
    CAPTURE(row.name);
    Callers callers(enclave);
    callers.begin(row.request);
    REQUIRE(eventually([&] { return callers.commands().size() == 1; }));
    callers.leave();
    CHECK(eventually([&] { return callers.commands().empty(); }));
  }
  CHECK(enclave.find("app").status == DeploymentStatus::running);
}

TEST_CASE("what commands run, since when and as whom, is listed") {
  RunningEnclave enclave;
  enclave.settled(enclave.deploy("app", kForever));
  Callers callers(enclave);
  callers.begin(exec({"sleep", "1001"}, {{"app", "app"}}));
  REQUIRE(eventually([&] { return callers.commands().size() == 1; }));
  callers.begin(exec({"sleep", "1002"}, {{"privileged", true}}));
  REQUIRE(eventually([&] { return callers.commands().size() == 2; }));
  auto listed = callers.commands();
  for (auto& one : listed) {
    CHECK(one.at("id").get<std::string>().size() > 8);
    CHECK(one.at("started_at").get<std::string>().ends_with("Z"));
    one.erase("id");
    one.erase("started_at");
  }
  CHECK(listed == Json{{{"type", "exec"}, {"cmd", {"sleep", "1001"}}, {"app_name", "app"}, {"privileged", false}},
                       {{"type", "exec"}, {"cmd", {"sleep", "1002"}}, {"privileged", true}}});
}

TEST_CASE("the event log says what was executed, and as whom, before it runs") {
  const Json boot = Json::array({{{"app_name", "dd-agent"},
                                  {"role", "agent"},
                                  {"cmd",
                                   {"sh", "-c",
                                    "while ! [ -e go ]; do sleep 0.01; done; " + std::string(DD_PROBE) +
                                        " capability '{\"method\":\"log\",\"from\":0}'; sleep 1000"}}}});
  RunningEnclave enclave(boot);
  enclave.settled(enclave.deploy("app", kForever));
  CHECK(enclave.call(exec({"no-such-program"})).at("ok") == false);
  const auto first = enclave.call(exec({"true"}, {{"app", "app"}}));
  const auto second = enclave.call(exec({"sh", "-c", "exit 1"}, {{"privileged", true}}));
  std::ofstream(enclave.data() / "work" / "dd-agent" / "go").put('\n');
  const auto log = parse_json(enclave.line(enclave.find("dd-agent").id, "{")).value();
  std::vector<Json> found;
  for (const auto& event : log.at("events"))
    if (event.at("type") == "exec") found.push_back(event);
  REQUIRE(found.size() == 2);
  CHECK(found[0].at("id") == first.at("id"));
  CHECK(found[0].at("app_name") == "app");
  CHECK(found[0].at("cmd") == Json{"true"});
  CHECK(found[0].at("privileged") == false);
  CHECK(found[0].at("digest").get<std::string>().starts_with("sha256:"));
  CHECK(found[1].at("id") == second.at("id"));
  CHECK_FALSE(found[1].contains("app_name"));
  CHECK(found[1].at("privileged") == true);
}
