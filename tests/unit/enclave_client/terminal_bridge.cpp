#include "libdd/enclave_client/terminal_bridge.hpp"

#include <deque>

#include <doctest/doctest.h>
#include <boost/asio/io_context.hpp>
#include <nlohmann/json.hpp>

#include "libdd/core/json.hpp"
#include "libdd/net/line_socket.hpp"
#include "tests/support/run_task.hpp"
#include "tests/support/temp_dir.hpp"

using namespace dd;
using namespace dd::enclave_client;
using net::WebSocket;
using protocol::AttachFrame;
using protocol::data_frame;

namespace {

/// A viewer who says what the test gives it, and keeps what it hears.
class Viewer final : public WebSocket {
 public:
  explicit Viewer(net::asio::any_io_executor executor) : changed_(std::move(executor)) {}

  void say(Kind kind, std::string bytes) {
    Message message;
    message.kind = kind;
    message.bytes = std::move(bytes);
    said_.push_back(std::move(message));
    changed_.notify();
  }
  void leave() {
    gone_ = true;
    changed_.notify();
  }
  /// From now on whoever writes waits.
  void stall(bool stalled) {
    stalled_ = stalled;
    changed_.notify();
  }

  net::Task<std::optional<Message>> read() override {
    while (said_.empty() && !gone_) co_await changed_.wait(std::chrono::seconds(20));
    if (said_.empty()) co_return std::nullopt;
    auto message = std::move(said_.front());
    said_.pop_front();
    co_return message;
  }
  net::Task<bool> write(Kind kind, std::string bytes) override {
    while (stalled_ && !gone_) co_await changed_.wait(std::chrono::seconds(20));
    if (gone_) co_return false;
    (kind == Kind::text ? texts : heard) += bytes;
    co_return true;
  }
  net::Task<void> close(Close code, std::string) override {
    closed = code;
    leave();
    co_return;
  }
  void abort() override { leave(); }

  std::string heard;
  std::string texts;
  std::optional<Close> closed;

 private:
  net::Event changed_;
  std::deque<Message> said_;
  bool gone_ = false;
  bool stalled_ = false;
};

/// A runtime's end of an attached terminal, and the bridge between it and a viewer.
struct Bridged {
  Bridged() {
    net::LineServerOptions options;
    options.path = folder.path() / "agent.sock";
    net::ReplyHandler handler = [this](std::string, net::Peer) { return attach(); };
    server.emplace(io.get_executor(), std::move(handler), options);
    REQUIRE(server->start().has_value());
    auto opened = test::run(io, net::open_connection(options.path, "{}", std::chrono::seconds(20))).value();
    terminal = std::make_shared<Terminal>("id", opened.connection);
  }

  net::Task<net::LineReply> attach() {
    net::LineReply reply;
    reply.line = "{}";
    reply.take_over = [this](std::shared_ptr<net::ByteConnection> connection) { return serve(std::move(connection)); };
    co_return reply;
  }
  net::Task<void> serve(std::shared_ptr<net::ByteConnection> connection) {
    // The test says what is to happen when there is a connection already.
    while (!begun) co_await begin.wait(std::chrono::seconds(20));
    for (const auto& piece : output) {
      const bool written = co_await connection->write(piece);
      if (!written) break;
    }
    std::array<char, 4096> bytes;
    for (std::size_t count = 1; !leaves && count != 0;) {
      count = co_await connection->read(bytes);
      frames.append({bytes.data(), count});
      for (auto frame = frames.next(); frame && *frame; frame = frames.next()) typed.push_back(**frame);
      if (count != 0 && typed.size() >= ends_after) break;
    }
    hung_up = typed.size() < ends_after;
    if (!farewell.empty()) co_await connection->write(farewell);
    connection->close();
  }
  void run() { test::run(io, whole(*this)); }
  net::Task<void> bridged() {
    begun = true;
    begin.notify();
    return bridge(io.get_executor(), terminal, viewer);
  }
  static net::Task<bool> whole(Bridged& f) {
    auto task = f.bridged();
    co_await std::move(task);
    co_return true;
  }
  static net::Task<bool> until_hung_up(Bridged& f) {
    while (!f.hung_up) co_await net::sleep_for(std::chrono::milliseconds(1));
    co_return true;
  }

  net::asio::io_context io;
  net::Event begin{io.get_executor()};
  bool begun = false;
  TempDir folder;
  std::optional<net::LineServer> server;
  std::shared_ptr<Terminal> terminal;
  std::shared_ptr<Viewer> viewer = std::make_shared<Viewer>(io.get_executor());
  // What the runtime does.
  std::vector<std::string> output;
  std::string farewell;
  bool leaves = false;  // without listening
  std::size_t ends_after = SIZE_MAX;  // so many frames
  protocol::AttachFrameReader frames;
  std::vector<AttachFrame> typed;
  bool hung_up = false;
};

}  // namespace

TEST_CASE("the terminal's bytes are binary messages, its end is a text and an orderly close") {
  Bridged f;
  f.output = {data_frame("one "), data_frame("two")};
  f.farewell = protocol::exit_frame({3, {}});
  f.leaves = true;
  f.run();
  CHECK(f.viewer->heard == "one two");
  CHECK(parse_json(f.viewer->texts).value() == Json{{"type", "exit"}, {"exit_code", 3}});
  CHECK(f.viewer->closed == WebSocket::Close::normal);
}

TEST_CASE("keys and sizes reach the terminal in order, and other texts do not") {
  Bridged f;
  f.ends_after = 3;
  f.farewell = protocol::exit_frame({{}, 9});
  f.viewer->say(WebSocket::Kind::binary, "ls\r");
  f.viewer->say(WebSocket::Kind::text, R"({"type":"resize","cols":100,"rows":30})");
  for (const char* other : {"", "[]", R"({"type":"resize"})", R"({"type":"resize","cols":0,"rows":30})",
                            R"({"type":"resize","cols":"9","rows":30})", R"({"type":"later","cols":9,"rows":9})"})
    f.viewer->say(WebSocket::Kind::text, other);
  f.viewer->say(WebSocket::Kind::binary, "exit\r");
  f.run();
  REQUIRE(f.typed.size() == 3);
  CHECK(f.typed[0] == AttachFrame{AttachFrame::Type::data, "ls\r"});
  CHECK(protocol::window_size_from(f.typed[1].payload).value() == protocol::WindowSize{100, 30});
  CHECK(f.typed[2] == AttachFrame{AttachFrame::Type::data, "exit\r"});
  CHECK(parse_json(f.viewer->texts).value() == Json{{"type", "exit"}, {"signal", 9}});
}

TEST_CASE("a viewer who leaves hangs up") {
  Bridged f;
  f.viewer->leave();
  f.run();
  CHECK(test::run(f.io, Bridged::until_hung_up(f)));
}

TEST_CASE("a runtime that breaks off, or sends what is no frame, ends the conversation without an exit") {
  for (const auto& last : {std::string(), std::string("\x09\0\0\0\0", 5), std::string("\0\0", 2)}) {
    Bridged f;
    f.leaves = true;
    f.farewell = last;
    f.run();
    CHECK(f.viewer->texts.empty());
    CHECK(f.viewer->closed == WebSocket::Close::going_away);
  }
}

TEST_CASE("a viewer who does not read stops the runtime's writing, and loses nothing when it reads again") {
  Bridged f;
  f.output.assign(256, data_frame(std::string(64 * 1024, 'x')));
  f.farewell = protocol::exit_frame({0, {}});
  f.leaves = true;
  f.viewer->stall(true);
  net::spawn(f.io.get_executor(), f.bridged(), "bridge");
  test::settle(f.io);
  CHECK(f.viewer->heard.empty());
  f.viewer->stall(false);
  f.io.restart();
  while (!f.viewer->closed) f.io.run_one();
  CHECK(f.viewer->heard.size() == 256 * 64 * 1024);
  CHECK(f.viewer->closed == WebSocket::Close::normal);
}
