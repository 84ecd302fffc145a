// Supervision against small shell scripts; whether they are "ready" is the test's to say.
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <doctest/doctest.h>
#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <fstream>
#include <iterator>

#include "libdd/tunnel/child_process.hpp"
#include "libdd/tunnel/connector.hpp"
#include "tests/support/heard_signal.hpp"
#include "tests/support/run_task.hpp"
#include "tests/support/temp_dir.hpp"

using namespace dd;
using namespace std::chrono_literals;

namespace {

class FakeReady final : public HttpTransport {
 public:
  void send(HttpRequest request, Done done) override {
    urls.push_back(request.url);
    HttpResponse response;
    response.status = ready ? 200 : 503;
    if (request.url.ends_with("/config")) response.body = config;
    done(std::move(response));
  }
  bool ready = true;
  std::string config;
  std::vector<std::string> urls;
};

/// A connector whose command is `script`, run by sh in the test's folder.
struct Supervised {
  explicit Supervised(const std::string& script) {
    dir.write("script", "cd " + dir.path().string() + "\n" + script);
    options.command = {"/bin/sh", (dir.path() / "script").string()};
    options.directory = dir.path() / "private";
    options.first_backoff = 1ms;
    options.longest_backoff = 4ms;
    options.ready_poll = 1ms;
  }

  tunnel::Connector& connector() {
    if (!made) made = std::make_unique<tunnel::Connector>(io.get_executor(), transport, options);
    return *made;
  }
  template <class T>
  T run(net::Task<T> task) {
    std::optional<T> value;
    boost::asio::co_spawn(io, std::move(task), [&](std::exception_ptr, T outcome) { value = std::move(outcome); });
    io.restart();  // it ran dry when the connector was stopped
    while (!value) io.run_one();
    return *std::move(value);
  }
  void stop(std::chrono::milliseconds grace = 10s) {
    bool done = false;
    boost::asio::co_spawn(io, connector().stop(grace), [&](std::exception_ptr) { done = true; });
    io.restart();
    while (!done) io.run_one();
  }
  [[nodiscard]] std::string read(const std::string& name) const {
    std::ifstream in(dir.path() / name);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  template <class Done>
  void await(Done done) {
    const auto patience = std::chrono::steady_clock::now() + 120s;
    io.restart();
    while (!done()) {
      REQUIRE(std::chrono::steady_clock::now() < patience);
      io.run_one_for(5ms);
    }
  }
  /// Runs until the script has written `count` lines to `name`.
  void await_lines(const std::string& name, std::ptrdiff_t count) {
    await([&] {
      const auto text = read(name);
      return std::count(text.begin(), text.end(), '\n') >= count;
    });
  }

  TempDir dir;
  boost::asio::io_context io;
  std::shared_ptr<FakeReady> transport = std::make_shared<FakeReady>();
  tunnel::ConnectorOptions options;
  std::unique_ptr<tunnel::Connector> made;
};

const std::string kSleep = "exec sleep 1000\n";

/// Waits for the end of a process that is not our child.
bool ends(pid_t pid) {
  const int fd = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  if (fd < 0) return true;
  pollfd wait{fd, POLLIN, 0};
  const bool ended = poll(&wait, 1, 20'000) == 1;
  close(fd);
  return ended;
}

}  // namespace

TEST_CASE("the connector gets cloudflared's arguments, an empty environment and its token by a private file") {
  Supervised cloudflared(
      "echo \"$@\" > args; env > env; stat -c %a $TUNNEL_TOKEN_FILE private > modes; cp $TUNNEL_TOKEN_FILE token; echo "
      "> done\n" +
      kSleep);
  REQUIRE(cloudflared.connector().start(Secret("run-token")).has_value());
  cloudflared.await_lines("done", 1);
  const auto args = cloudflared.read("args");
  CHECK(args.starts_with("tunnel --no-autoupdate --metrics 127.0.0.1:"));
  CHECK(args.ends_with(" --management-diagnostics=false --loglevel info --output json run\n"));
  CHECK(cloudflared.read("token") == "run-token");
  CHECK(cloudflared.read("modes") == "600\n700\n");
  // sh adds PWD, OLDPWD and _ to what it was given.
  std::istringstream environment(cloudflared.read("env"));
  for (std::string line; std::getline(environment, line);) {
    const auto name = line.substr(0, line.find('='));
    const bool known = name == "PATH" || name == "TUNNEL_TOKEN_FILE" || name == "PWD" || name == "OLDPWD" ||
                       name == "_" || name == "SHLVL";
    CHECK_MESSAGE(known, line);
  }
  cloudflared.stop();
  CHECK(cloudflared.read("private/tunnel-token").empty());
}

TEST_CASE("ready follows what the metrics server says") {
  Supervised cloudflared(kSleep);
  cloudflared.transport->ready = false;
  REQUIRE(cloudflared.connector().start(Secret("t")).has_value());
  CHECK_FALSE(cloudflared.run(cloudflared.connector().wait_ready(20ms)));
  cloudflared.transport->ready = true;
  CHECK(cloudflared.run(cloudflared.connector().wait_ready(20s)));
  CHECK(cloudflared.transport->urls.at(0).starts_with("http://127.0.0.1:"));
  CHECK(cloudflared.transport->urls.at(0).ends_with("/ready"));
  cloudflared.stop();
  CHECK_FALSE(cloudflared.run(cloudflared.connector().wait_ready(20ms)));
}

TEST_CASE("a connector that exits is started again") {
  Supervised cloudflared("echo started >> starts; exit 1\n");
  REQUIRE(cloudflared.connector().start(Secret("t")).has_value());
  cloudflared.await_lines("starts", 3);
  cloudflared.stop();
}

TEST_CASE("a connector that stays unready is replaced") {
  Supervised cloudflared("echo started >> starts\n" + kSleep);
  cloudflared.transport->ready = false;
  cloudflared.options.unready_limit = 20ms;
  REQUIRE(cloudflared.connector().start(Secret("t")).has_value());
  cloudflared.await_lines("starts", 2);
  cloudflared.stop();
}

TEST_CASE("a child that is stopped before it runs does not make its parent hear the signal") {
  const test::HeardSignal heard(SIGTERM);
  boost::asio::io_context io;
  const tunnel::ChildCommand command{{"/bin/sleep", "5"}, {}, "/bin"};
  for (int i = 0; i < 50; ++i) {
    const auto child = tunnel::ChildProcess::start(io.get_executor(), command);
    REQUIRE(child.has_value());
    (*child)->signal(SIGTERM);
    REQUIRE(test::run(io, (*child)->wait()) == "signal 15");
  }
  CHECK_FALSE(test::HeardSignal::came());
}

TEST_CASE("another token restarts the connector with it") {
  Supervised cloudflared("cat $TUNNEL_TOKEN_FILE >> tokens; echo >> tokens\n" + kSleep);
  REQUIRE(cloudflared.connector().start(Secret("first")).has_value());
  cloudflared.await_lines("tokens", 1);
  REQUIRE(cloudflared.connector().start(Secret("second")).has_value());
  cloudflared.await_lines("tokens", 2);
  CHECK(cloudflared.read("tokens") == "first\nsecond\n");
  cloudflared.stop();
}

TEST_CASE("stop lets the connector finish, and kills its whole group after the grace") {
  Supervised polite("trap 'echo bye > bye; exit 0' TERM; echo > up; while :; do sleep 0.01; done\n");
  REQUIRE(polite.connector().start(Secret("t")).has_value());
  polite.await_lines("up", 1);
  polite.stop();
  CHECK(polite.read("bye") == "bye\n");

  Supervised stubborn("trap '' TERM; sleep 1000 & echo $! > child; wait; sleep 1000\n");
  REQUIRE(stubborn.connector().start(Secret("t")).has_value());
  stubborn.await_lines("child", 1);
  stubborn.stop(1ms);
  CHECK(ends(static_cast<pid_t>(std::stoi(stubborn.read("child")))));
}

TEST_CASE("a stopped connector can be started again") {
  Supervised cloudflared("echo started >> starts\n" + kSleep);
  for (int i = 1; i <= 2; ++i) {
    REQUIRE(cloudflared.connector().start(Secret("t")).has_value());
    cloudflared.await_lines("starts", i);
    cloudflared.stop();
  }
}

TEST_CASE("a flood of output does not stop the connector") {
  Supervised cloudflared("yes | head -c 3000000 >&2; echo > done\n" + kSleep);
  REQUIRE(cloudflared.connector().start(Secret("t")).has_value());
  cloudflared.await_lines("done", 1);
  cloudflared.stop();
}

TEST_CASE("a missing executable is tried again and does not end the supervision") {
  Supervised cloudflared("");
  cloudflared.options.command = {"no-such-connector"};
  REQUIRE(cloudflared.connector().start(Secret("t")).has_value());
  CHECK_FALSE(cloudflared.run(cloudflared.connector().wait_ready(20ms)));
  cloudflared.stop();
}

TEST_CASE("a token directory that others can enter is refused") {
  Supervised cloudflared(kSleep);
  mkdir(cloudflared.options.directory.c_str(), 0755);
  chmod(cloudflared.options.directory.c_str(), 0755);
  const auto started = cloudflared.connector().start(Secret("t"));
  REQUIRE_FALSE(started.has_value());
  CHECK(started.error().code == ErrorCode::invalid_argument);
}

TEST_CASE("the connector does not outlive a supervisor that is killed") {
  Supervised cloudflared("echo $$ > pid\n" + kSleep);
  const auto supervisor = fork();
  if (supervisor == 0) {
    if (!cloudflared.connector().start(Secret("t"))) _exit(1);
    cloudflared.io.run();
    _exit(0);
  }
  while (cloudflared.read("pid").find('\n') == std::string::npos) REQUIRE(waitpid(supervisor, nullptr, WNOHANG) == 0);
  const auto child = static_cast<pid_t>(std::stoi(cloudflared.read("pid")));
  kill(supervisor, SIGKILL);
  waitpid(supervisor, nullptr, 0);
  CHECK(ends(child));
}

TEST_CASE("the version of the configuration is the one that the connector says it runs") {
  Supervised cloudflared("echo > done\n" + kSleep);
  CHECK_FALSE(cloudflared.run(cloudflared.connector().config_version()));
  REQUIRE(cloudflared.connector().start(Secret("run-token")).has_value());
  cloudflared.await_lines("done", 1);
  const struct {
    const char* body;
    std::optional<std::int64_t> version;
  } cases[] = {{R"({"version":12,"config":{"ingress":[]}})", 12},
               {R"({"version":-1,"config":{}})", -1},
               {R"({"version":"12"})", std::nullopt},
               {"{}", std::nullopt},
               {"<html>", std::nullopt}};
  for (const auto& c : cases) {
    CAPTURE(c.body);
    cloudflared.transport->config = c.body;
    CHECK(cloudflared.run(cloudflared.connector().config_version()) == c.version);
  }
  // In between it is asked whether it is ready, as always.
  const auto asked = [](const std::string& url) { return url.ends_with("/config"); };
  CHECK(std::ranges::count_if(cloudflared.transport->urls, asked) == std::ssize(cases));
  cloudflared.transport->ready = false;
  CHECK_FALSE(cloudflared.run(cloudflared.connector().config_version()));
  cloudflared.stop();
  CHECK_FALSE(cloudflared.run(cloudflared.connector().config_version()));
}

TEST_CASE("a connector is unready for long only while it is meant to run") {
  Supervised cloudflared("echo >> starts\n" + kSleep);
  CHECK_FALSE(cloudflared.run(cloudflared.connector().wait_unready(0ms, 10ms)));
  cloudflared.transport->ready = false;
  REQUIRE(cloudflared.connector().start(Secret("run-token")).has_value());
  CHECK_FALSE(cloudflared.run(cloudflared.connector().wait_unready(1h, 10ms)));
  CHECK(cloudflared.run(cloudflared.connector().wait_unready(20ms, 20s)));
  cloudflared.transport->ready = true;
  CHECK(cloudflared.run(cloudflared.connector().wait_ready(20s)));
  CHECK_FALSE(cloudflared.run(cloudflared.connector().wait_unready(0ms, 10ms)));
  cloudflared.transport->ready = false;
  CHECK(cloudflared.run(cloudflared.connector().wait_unready(5ms, 20s)));
  cloudflared.stop();
  CHECK_FALSE(cloudflared.run(cloudflared.connector().wait_unready(0ms, 10ms)));
}

TEST_CASE("that its tunnel is gone a child says, and it counts until it is ready or has another token") {
  Supervised cloudflared(
      "echo '{\"level\":\"error\",\"error\":\"Unauthorized: Failed to get tunnel\"}'\n"
      "while ! [ -e more ]; do sleep 0.01; done\necho later\necho > said\n" +
      kSleep);
  cloudflared.transport->ready = false;
  CHECK_FALSE(cloudflared.connector().tunnel_is_gone());
  REQUIRE(cloudflared.connector().start(Secret("t")).has_value());
  cloudflared.await([&] { return cloudflared.connector().tunnel_is_gone(); });
  SUBCASE("ready") {
    cloudflared.transport->ready = true;
    REQUIRE(cloudflared.run(cloudflared.connector().wait_ready(10s)));
    // What it says afterwards is about something else.
    cloudflared.dir.write("more", "");
    cloudflared.await_lines("said", 1);
    boost::asio::steady_timer rest(cloudflared.io, 20ms);
    cloudflared.io.restart();
    bool over = false;
    rest.async_wait([&over](const boost::system::error_code&) { over = true; });
    while (!over) cloudflared.io.run_one();
  }
  SUBCASE("another token") { REQUIRE(cloudflared.connector().start(Secret("another")).has_value()); }
  CHECK_FALSE(cloudflared.connector().tunnel_is_gone());
}
