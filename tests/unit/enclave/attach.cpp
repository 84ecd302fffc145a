// attach through the socket: a real terminal, raw and in frames, and how it ends.
#include <unistd.h>

#include <csignal>
#include <fstream>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "tests/unit/enclave/attached.hpp"
#include "tests/unit/enclave/running_enclave.hpp"

using namespace dd;
using dd::test::Attached;
using dd::test::eventually;
using dd::test::process_lives;
using dd::test::RunningEnclave;
using protocol::CommandExit;
using protocol::data_frame;
using protocol::resize_frame;

namespace {

Json shell(const std::string& script, Json more = Json::object()) {
  more["cmd"] = {"sh", "-c", script};
  return more;
}
Json framed(const std::string& script) { return shell(script, {{"mode", "framed"}}); }

pid_t number_behind(const std::string& text, const std::string& word) {
  return static_cast<pid_t>(std::stoi(text.substr(text.find(word) + word.size())));
}

}  // namespace

TEST_CASE("without a command it is a shell, and it answers") {
  RunningEnclave enclave;
  Attached terminal(enclave, Json::object(), "echo $((6*7)); tty; exit\n");
  CHECK(terminal.answer.at("ok") == true);
  CHECK(terminal.answer.at("attached") == true);
  const auto said = terminal.rest();
  CHECK(said.find("42\r\n") != std::string::npos);
  CHECK(said.find("/dev/pts/") != std::string::npos);
}

TEST_CASE("the terminal has the size that was asked for, and gets another") {
  RunningEnclave enclave;
  auto request = framed("trap 'stty size; exit 5' WINCH; stty size; while :; do sleep 0.01; done");
  request["cols"] = 132;
  request["rows"] = 43;
  Attached terminal(enclave, request);
  terminal.until_framed("43 132");
  terminal.send(resize_frame({70, 20}));
  terminal.until_framed("20 70");
  CHECK(terminal.exit() == CommandExit{5, {}});
}

TEST_CASE("a terminal without a size has the usual one") {
  RunningEnclave enclave;
  Attached terminal(enclave, shell("stty size"));
  CHECK(terminal.rest() == "24 80\r\n");
}

TEST_CASE("keys have their meaning: the terminal is the command's own") {
  RunningEnclave enclave;
  Attached terminal(enclave, framed("trap 'echo interrupted; exit 7' INT; echo ready; while :; do sleep 0.01; done"));
  terminal.until_framed("ready");
  terminal.send(data_frame("\x03"));
  CHECK(terminal.exit() == CommandExit{7, {}});
}

TEST_CASE("a signal is told as one") {
  RunningEnclave enclave;
  Attached terminal(enclave, framed("kill -9 $$"));
  CHECK(terminal.exit() == CommandExit{{}, SIGKILL});
}

TEST_CASE("a command that cannot start is refused before there is a terminal") {
  RunningEnclave enclave;
  const TempDir folder;
  const auto script = folder.write("script", "#!/no/such/interpreter\n");
  std::filesystem::permissions(script, std::filesystem::perms::all);
  const struct {
    const char* name;
    Json request;
    const char* code;
  } cases[] = {
      {"no program", {{"cmd", {"no-such-program"}}}, "not_found"},
      {"no interpreter", {{"cmd", {script.string()}}}, "unavailable"},
      {"no workload", {{"app", "nobody"}}, "not_found"},
      {"the platform's", {{"app", "holder"}}, "conflict"},
      {"no column", {{"cols", 0}}, "invalid_argument"},
      {"too many rows", {{"rows", 4097}}, "invalid_argument"},
      {"another mode", {{"mode", "line"}}, "invalid_argument"},
      {"no list", {{"cmd", "sh"}}, "malformed"},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    Attached terminal(enclave, c.request);
    CHECK(terminal.answer.at("ok") == false);
    CHECK(terminal.answer.at("code") == c.code);
  }
  // Nothing of them is left that would count.
  for (int i = 0; i < 40; ++i)
    CHECK(Attached(enclave, {{"cmd", {"no-such-program"}}}).answer.at("code") == "not_found");
}

TEST_CASE("attach needs the token as everything does") {
  RunningEnclave enclave;
  CHECK(enclave.call_raw(R"({"method":"attach"})").at("code") == "unauthenticated");
}

TEST_CASE("a terminal in a workload is that workload to the VM" * doctest::skip(test::kNoRoot)) {
  RunningEnclave enclave;
  const auto app = enclave.settled(enclave.deploy("app", {"sleep", "1000"}, {{"env", {"SECRET=of the app"}}}));
  // The last one opens it by name, as its owner.
  Attached terminal(enclave, shell("id -u; echo $SECRET; echo by name > $(tty)", {{"app", "app"}}));
  CHECK(terminal.rest() == std::to_string(app.uid) + "\r\nof the app\r\nby name\r\n");
}

TEST_CASE("whoever hangs up ends the command and what it started") {
  RunningEnclave enclave;
  const struct {
    const char* name;
    const char* script;
    bool half;
  } cases[] = {
      {"it reads", "echo pid $$; cat > /dev/null; sleep 1000", true},
      {"it reads, all closed", "echo pid $$; cat > /dev/null; sleep 1000", false},
      {"it neither reads nor writes", "echo pid $$; exec sleep 1000", false},
      {"it writes without end", "echo pid $$; exec yes", false},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    Attached terminal(enclave, shell(c.script));
    REQUIRE(terminal.until("\r\n"));
    const auto pid = number_behind(terminal.said, "pid ");
    CHECK(process_lives(pid));
    if (c.half)
      terminal.hang_up();
    else
      terminal.close();
    CHECK(eventually([&] { return !process_lives(pid); }));
  }
}

TEST_CASE("hanging up ends also a command whose input is full") {
  RunningEnclave enclave;
  Attached terminal(enclave, shell("stty raw -echo; echo pid $$; exec sleep 1000"));
  REQUIRE(terminal.until("\n"));
  const auto pid = number_behind(terminal.said, "pid ");
  const std::string piece(64 * 1024, 'x');
  std::size_t taken = 0;
  CHECK(eventually([&] {
    const auto count = terminal.send_some(piece);
    taken += count;
    return count == 0;
  }));
  CHECK(taken < 1024 * 1024);
  terminal.close();
  CHECK(eventually([&] { return !process_lives(pid); }));
}

TEST_CASE("a caller that does not read stops the command, and loses nothing") {
  RunningEnclave enclave;
  constexpr std::size_t kSize = 4 * 1024 * 1024;
  Attached terminal(enclave,
                    shell("stty -opost; head -c 4194304 /dev/zero | tr '\\0' x; echo over > over; exec sleep 1000"));
  const auto over = enclave.data() / "work" / ".guest-0" / "over";
  // Somebody else is served meanwhile, and what has not been read cannot have been written.
  CHECK(enclave.call({{"method", "health"}}).at("ok") == true);
  CHECK_FALSE(std::filesystem::exists(over));
  REQUIRE(terminal.at_least(kSize));
  CHECK(terminal.said == std::string(kSize, 'x'));
  CHECK(eventually([&] { return std::filesystem::exists(over); }));
}

TEST_CASE("bytes that are no frames end a framed terminal") {
  RunningEnclave enclave;
  const struct {
    const char* name;
    std::string bytes;
  } cases[] = {{"unknown type", std::string("\x09\0\0\0\0", 5)},
               {"too long", std::string("\0\x7f\0\0\0", 5)},
               {"a size of nothing", resize_frame({0, 0})},
               {"an exit", protocol::exit_frame({0, {}})}};
  for (const auto& c : cases) {
    CAPTURE(c.name);
    Attached terminal(enclave, framed("echo pid $$; exec sleep 1000"));
    const auto first = terminal.frame();
    const auto pid = number_behind(first.payload, "pid ");
    terminal.send(c.bytes);
    CHECK(eventually([&] { return !process_lives(pid); }));
    CHECK(terminal.exit().signal.has_value());
  }
}

TEST_CASE("what stays behind holds the terminal open no longer than a moment") {
  RunningEnclave enclave;
  Attached terminal(enclave, framed("(trap '' HUP; exec sleep 1000) & echo pid $!; exit 3"));
  terminal.until_framed("pid ");
  CHECK(terminal.exit() == CommandExit{3, {}});
}

TEST_CASE("stopping the runtime ends its terminals") {
  RunningEnclave enclave;
  Attached terminal(enclave, shell("trap '' TERM; echo pid $$; while :; do sleep 1; done"));
  REQUIRE(terminal.until("\r\n"));
  const auto pid = number_behind(terminal.said, "pid ");
  enclave.stop();
  CHECK_FALSE(process_lives(pid));
  terminal.rest();
}

TEST_CASE("the event log says who attached to what before it runs") {
  const Json boot = Json::array({{{"app_name", "dd-agent"},
                                  {"role", "agent"},
                                  {"cmd",
                                   {"sh", "-c",
                                    "while ! [ -e go ]; do sleep 0.01; done; " + std::string(DD_PROBE) +
                                        " capability '{\"method\":\"log\",\"from\":0}'; sleep 1000"}}}});
  RunningEnclave enclave(boot);
  enclave.settled(enclave.deploy("root", {"sleep", "1000"}, {{"privileged", true}}));
  Attached terminal(enclave, {{"app", "root"}}, "exit\n");
  terminal.rest();
  std::ofstream(enclave.data() / "work" / "dd-agent" / "go").put('\n');
  const auto log = parse_json(enclave.line(enclave.find("dd-agent").id, "{")).value();
  const auto& event = log.at("events").back();
  CHECK(event.at("type") == "attach");
  CHECK(event.at("id") == terminal.answer.at("id"));
  CHECK(event.at("app_name") == "root");
  CHECK(event.at("cmd") == Json{"/bin/sh"});
  CHECK(event.at("privileged") == true);
}
