#include "libdd/cli/child.hpp"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include "tests/unit/cli/captured.hpp"

using namespace dd;
using namespace dd::cli;

namespace {

constexpr std::chrono::seconds kGrace{20};

/// A program of the test's own, and where its output goes.
struct Program {
  TempDir dir;
  std::filesystem::path output = dir.path() / "output";

  [[nodiscard]] Child start(const std::string& script, const Child::Environment& environment = {}) const {
    const auto file = dir.write("program", "#!/bin/sh\n" + script);
    std::filesystem::permissions(file, std::filesystem::perms::owner_all);
    return Child::start(file, environment, output).value();
  }
  /// Makes a pipe of this name; reading from it is waiting for whoever writes.
  std::filesystem::path pipe(const char* name) const {
    auto path = dir.path() / name;
    if (mkfifo(path.c_str(), 0600) != 0) throw std::runtime_error("cannot make a pipe for the test");
    return path;
  }
};

}  // namespace

TEST_CASE("a child has exactly the environment it is given, nothing to read, and writes into its file") {
  const Program program;
  auto child =
      program.start("echo out; echo err >&2; cat; /usr/bin/env", {{"NAME", "value with spaces"}, {"EMPTY", ""}});
  child.wait(kGrace);
  const auto said = content_of(program.output);
  CHECK(said.starts_with("out\nerr\n"));
  CHECK(said.find("NAME=value with spaces\n") != std::string::npos);
  CHECK(said.find("EMPTY=\n") != std::string::npos);
  CHECK(said.find("HOME=") == std::string::npos);
  CHECK(said.find("PATH=") == std::string::npos);
}

TEST_CASE("a child gets no descriptor of ours") {
  const Program program;
  const int secret = open("/dev/null", O_RDONLY);  // without O_CLOEXEC
  auto child = program.start("ls -l /proc/self/fd > \"$LIST\"",
                             {{"LIST", (program.dir.path() / "list").string()}, {"PATH", "/usr/bin:/bin"}});
  child.wait(kGrace);
  close(secret);
  const auto list = content_of(program.dir.path() / "list");
  CHECK(list.find(" 1 -> ") != std::string::npos);
  CHECK(list.find(" " + std::to_string(secret) + " -> /dev/null") == std::string::npos);
}

TEST_CASE("output goes on at the end of the file") {
  const Program program;
  program.dir.write("output", "before\n");
  program.start("echo after").wait(kGrace);
  CHECK(content_of(program.output) == "before\nafter\n");
}

TEST_CASE("a child that ended by itself is seen to have ended") {
  const Program program;
  const auto gate = program.pipe("gate");
  auto child = program.start("read line < \"$GATE\"", {{"GATE", gate.string()}});
  CHECK_FALSE(child.ended());
  std::ofstream(gate) << "go\n";
  child.wait(kGrace);
  CHECK(child.ended());
  child.terminate();  // nobody there any more
}

TEST_CASE("a child that is asked to end may clean up") {
  const Program program;
  const auto ready = program.pipe("ready");
  auto child = program.start("trap 'echo bye; kill $!; exit 0' TERM\n/bin/sleep 20 &\necho ready > \"$READY\"\nwait",
                             {{"READY", ready.string()}});
  std::string line;
  std::ifstream(ready) >> line;
  REQUIRE(line == "ready");
  child.terminate();
  child.wait(kGrace);
  CHECK(content_of(program.output) == "bye\n");
}

TEST_CASE("a child that does not end is killed with its whole group when the grace is over") {
  const Program program;
  const auto alive = program.pipe("alive");
  auto child = program.start("trap '' TERM\n(trap '' TERM; echo here; exec /bin/sleep 20) > \"$ALIVE\" &\nwait",
                             {{"ALIVE", alive.string()}});
  std::ifstream grandchild(alive);
  std::string line;
  std::getline(grandchild, line);
  REQUIRE(line == "here");
  child.terminate();
  child.wait(std::chrono::milliseconds(1));
  CHECK(child.ended());
  CHECK_FALSE(std::getline(grandchild, line));  // waits until nobody holds the other end
}

TEST_CASE("who lets go of a child kills it") {
  const Program program;
  const auto ready = program.pipe("ready");
  pid_t pid = 0;
  {
    const auto child = program.start("trap '' TERM\necho $$ > \"$READY\"\nwhile :; do read line < \"$READY\"; done",
                                     {{"READY", ready.string()}});
    std::ifstream(ready) >> pid;
    REQUIRE(pid > 0);
    CHECK(kill(pid, 0) == 0);
  }
  CHECK(kill(pid, 0) != 0);
}

TEST_CASE("a child has one owner") {
  const Program program;
  const auto gate = program.pipe("gate");
  auto first = program.start("read line < \"$GATE\"", {{"GATE", gate.string()}});
  auto second = std::move(first);
  CHECK_FALSE(second.ended());
  std::ofstream(gate) << "go\n";
  second.wait(kGrace);
  CHECK(second.ended());
}

TEST_CASE("what cannot be started is told so") {
  const TempDir dir;
  const auto missing = Child::start(dir.path() / "missing", {}, dir.path() / "output");
  REQUIRE_FALSE(missing.has_value());
  CHECK(missing.error().code == ErrorCode::unavailable);
  CHECK(missing.error().message.find((dir.path() / "missing").string()) != std::string::npos);
  CHECK_FALSE(Child::start(dir.write("data", "no program"), {}, dir.path() / "output").has_value());
  CHECK_FALSE(Child::start("/bin/true", {}, dir.path() / "missing" / "output").has_value());
}
