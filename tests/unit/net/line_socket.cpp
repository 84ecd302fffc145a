#include "libdd/net/line_socket.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <fstream>
#include <future>

#include <nlohmann/json.hpp>

#include "tests/support/temp_dir.hpp"
#include "tests/unit/net/io_thread.hpp"

#include <doctest/doctest.h>

using namespace dd;
using namespace dd::net;
using namespace std::chrono_literals;
using dd::test::IoThread;

namespace {

LineHandler echo_lines() {
  return [](std::string line, Peer peer) -> Task<std::string> {
    if (line == "throw") throw std::runtime_error("secret detail");
    if (line == "uid") co_return std::to_string(peer.uid);
    if (line == "slow") co_await sleep_for(200ms);
    co_return "echo " + line;
  };
}

LineServerOptions at(const std::filesystem::path& path) {
  LineServerOptions options;
  options.path = path;
  return options;
}

/// Constructed, used and destroyed on the io thread.
struct Serving {
  Serving(IoThread& io, LineServerOptions options, LineHandler handler = echo_lines()) : io_(io) {
    io_.run([&] {
      server = std::make_unique<LineServer>(io_.executor(), std::move(handler), std::move(options));
      started = server->start();
    });
  }
  Serving(const Serving&) = delete;
  Serving& operator=(const Serving&) = delete;
  ~Serving() {
    io_.run([&] { server.reset(); });
  }
  IoThread& io_;
  std::unique_ptr<LineServer> server;
  Result<void> started;
};

Result<std::string> call(IoThread& io, LineClient& client, std::string line, std::chrono::milliseconds deadline = 10s) {
  return io.await([&] { return client.call(line, deadline); });
}

/// A connected socket for tests that must send broken bytes.
int connect_to(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.string().copy(address.sun_path, sizeof address.sun_path - 1);
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  REQUIRE(connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  const timeval patience{20, 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  return fd;
}

std::string read_to_end(int fd) {
  std::string text;
  char chunk[4096];
  for (ssize_t count = 0; (count = read(fd, chunk, sizeof chunk)) > 0;)
    text.append(chunk, static_cast<std::size_t>(count));
  close(fd);
  return text;
}

}  // namespace

TEST_CASE("a line is answered with a line, and the server knows who asks") {
  IoThread io;
  TempDir dir;
  Serving serving(io, at(dir.path() / "s"));
  REQUIRE(serving.started.has_value());
  LineClient client(io.executor(), dir.path() / "s");
  CHECK(call(io, client, "hello").value() == "echo hello");
  CHECK(call(io, client, "uid").value() == std::to_string(getuid()));
  CHECK(call(io, client, std::string(500'000, 'x')).value().size() == 500'005);
  io.run([&] { client.close(); });
}

TEST_CASE("the socket file has its mode from the start and goes with the server") {
  IoThread io;
  TempDir dir;
  {
    auto options = at(dir.path() / "s");
    options.mode = 0660;
    Serving serving(io, options);
    REQUIRE(serving.started.has_value());
    struct stat info{};
    REQUIRE(stat((dir.path() / "s").c_str(), &info) == 0);
    CHECK((info.st_mode & 0777) == 0660);
  }
  CHECK_FALSE(std::filesystem::exists(dir.path() / "s"));
}

TEST_CASE("a stale socket is replaced, a live one and any other file are a conflict") {
  IoThread io;
  TempDir dir;
  {
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    (dir.path() / "s").string().copy(address.sun_path, sizeof address.sun_path - 1);
    REQUIRE(bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    close(fd);  // the file stays
  }
  Serving first(io, at(dir.path() / "s"));
  REQUIRE(first.started.has_value());
  {
    Serving second(io, at(dir.path() / "s"));
    REQUIRE_FALSE(second.started.has_value());
    CHECK(second.started.error().code == ErrorCode::conflict);
  }
  CHECK(std::filesystem::exists(dir.path() / "s"));  // the loser leaves the winner's file alone
  std::ofstream(dir.path() / "file") << "precious";
  Serving third(io, at(dir.path() / "file"));
  REQUIRE_FALSE(third.started.has_value());
  CHECK(third.started.error().code == ErrorCode::conflict);
  Serving long_path(io, at(dir.path() / std::string(120, 'x')));
  CHECK(long_path.started.error().code == ErrorCode::invalid_argument);
}

TEST_CASE("a line over the limit is answered with an error and the connection closed") {
  IoThread io;
  TempDir dir;
  auto options = at(dir.path() / "s");
  options.max_line = 10;
  Serving serving(io, options);
  const int fd = connect_to(dir.path() / "s");
  REQUIRE(write(fd, "12345678901", 11) == 11);
  const auto answer = nlohmann::json::parse(read_to_end(fd));
  CHECK(answer["ok"] == false);
  CHECK(answer["code"] == "too_large");
}

TEST_CASE("a handler's exception is answered without its text, and the connection stays") {
  IoThread io;
  TempDir dir;
  Serving serving(io, at(dir.path() / "s"));
  LineClient client(io.executor(), dir.path() / "s");
  const auto answer = call(io, client, "throw").value();
  CHECK(nlohmann::json::parse(answer)["code"] == "internal");
  CHECK(answer.find("secret detail") == std::string::npos);
  CHECK(call(io, client, "after").value() == "echo after");
  io.run([&] { client.close(); });
}

TEST_CASE("a handler learns when its peer is gone, and one that only sends no more is not") {
  IoThread io;
  TempDir dir;
  std::promise<void> begun;
  std::promise<bool> gone;
  const LineHandler handler = [&](std::string line, Peer peer) -> Task<std::string> {
    Event left(co_await this_executor());
    const std::stop_callback telling(peer.gone, [&left] { left.notify(); });
    if (line == "long") begun.set_value();
    const auto most = line == "long" ? 20s : 0s;
    if (!peer.gone.stop_requested()) co_await left.wait(most);
    if (line == "long") gone.set_value(peer.gone.stop_requested());
    co_return peer.gone.stop_requested() ? "gone" : "there";
  };
  Serving serving(io, at(dir.path() / "s"), handler);
  const int half = connect_to(dir.path() / "s");
  REQUIRE(write(half, "short\nshort\n", 12) == 12);
  shutdown(half, SHUT_WR);
  CHECK(read_to_end(half) == "there\nthere\n");

  const int whole = connect_to(dir.path() / "s");
  REQUIRE(write(whole, "long\n", 5) == 5);
  begun.get_future().get();
  close(whole);
  CHECK(gone.get_future().get());
}

TEST_CASE("a call that is given up closes its connection, and says that it has no answer") {
  IoThread io;
  TempDir dir;
  std::promise<bool> gone;
  std::stop_source given_up;
  const LineHandler handler = [&](std::string, Peer peer) -> Task<std::string> {
    Event left(co_await this_executor());
    const std::stop_callback telling(peer.gone, [&left] { left.notify(); });
    given_up.request_stop();
    if (!peer.gone.stop_requested()) co_await left.wait(20s);
    gone.set_value(peer.gone.stop_requested());
    co_return "late";
  };
  Serving serving(io, at(dir.path() / "s"), handler);
  const auto opened = io.await([&] { return open_connection(dir.path() / "s", "long", 20s, given_up.get_token()); });
  REQUIRE_FALSE(opened.has_value());
  CHECK(opened.error().code == ErrorCode::unavailable);
  CHECK(gone.get_future().get());
}

TEST_CASE("connections over the limit are closed") {
  IoThread io;
  TempDir dir;
  auto options = at(dir.path() / "s");
  options.max_connections = 1;
  Serving serving(io, options);
  LineClient first(io.executor(), dir.path() / "s");
  CHECK(call(io, first, "a").value() == "echo a");
  CHECK(read_to_end(connect_to(dir.path() / "s")).empty());
  io.run([&] { first.close(); });
}

TEST_CASE("concurrent callers queue on one connection, each with its own answer") {
  IoThread io;
  TempDir dir;
  Serving serving(io, at(dir.path() / "s"));
  LineClient client(io.executor(), dir.path() / "s");
  std::vector<std::string> answers;
  io.await([&]() -> Task<void> {
    auto done = std::make_shared<Event>(co_await this_executor());
    const auto one = [&client, &answers, done](std::string line) -> Task<void> {
      auto answer = co_await client.call(std::move(line), 10s);
      answers.push_back(answer.value());
      done->notify();
    };
    for (const auto* line : {"a", "b", "c"}) spawn(co_await this_executor(), one(line), "call");
    while (answers.size() < 3) co_await done->wait(10s);
  });
  CHECK(answers == std::vector<std::string>{"echo a", "echo b", "echo c"});
  io.run([&] { client.close(); });
}

TEST_CASE("after a deadline the next call does not get the late answer") {
  IoThread io;
  TempDir dir;
  Serving serving(io, at(dir.path() / "s"));
  int pair[2];
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
  io.run([&] { spawn(io.executor(), serve_lines(pair[0], echo_lines(), 1024), "inherited"); });
  LineClient by_path(io.executor(), dir.path() / "s");
  LineClient inherited(io.executor(), pair[1]);
  for (auto* client : {&by_path, &inherited}) {
    const auto late = call(io, *client, "slow", 20ms);
    REQUIRE_FALSE(late.has_value());
    CHECK(late.error().code == ErrorCode::deadline_exceeded);
    CHECK(call(io, *client, "next").value() == "echo next");
  }
  io.run([&] {
    by_path.close();
    inherited.close();
  });
}

TEST_CASE("a client comes back when its server does") {
  IoThread io;
  TempDir dir;
  LineClient client(io.executor(), dir.path() / "s");
  CHECK(call(io, client, "a").error().code == ErrorCode::unavailable);
  {
    Serving serving(io, at(dir.path() / "s"));
    CHECK(call(io, client, "b").value() == "echo b");
  }
  CHECK(call(io, client, "c").error().code == ErrorCode::unavailable);
  Serving again(io, at(dir.path() / "s"));
  CHECK(call(io, client, "d").value() == "echo d");
  io.run([&] { client.close(); });
}

TEST_CASE("a descriptor that is no unix socket is refused and closed") {
  IoThread io;
  int pipe_ends[2];
  REQUIRE(pipe(pipe_ends) == 0);
  LineClient client(io.executor(), pipe_ends[0]);
  CHECK(call(io, client, "a").error().code == ErrorCode::unavailable);
  pollfd writing{pipe_ends[1], POLLOUT, 0};
  CHECK(poll(&writing, 1, 0) == 1);
  CHECK((writing.revents & POLLERR) != 0);  // the reading end is gone
  close(pipe_ends[1]);
}
