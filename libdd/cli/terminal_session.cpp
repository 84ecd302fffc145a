#include "libdd/cli/terminal_session.hpp"

#include <unistd.h>

#include <array>
#include <csignal>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/write.hpp>
#include <nlohmann/json.hpp>

#include "libdd/cli/local_terminal.hpp"
#include "libdd/cli/remote_status.hpp"
#include "libdd/core/json.hpp"
#include "libdd/net/into.hpp"

namespace dd::cli {
namespace {

using boost::system::error_code;
using net::WebSocket;
namespace asio = net::asio;

// What a terminal sends for the end of input.
constexpr const char* kEndOfInput = "\x04";

std::string resize_text(protocol::WindowSize size) {
  return to_text({{"type", "resize"}, {"cols", size.cols}, {"rows", size.rows}});
}

/// Standard input and output and the signals of a terminal, until the socket ends.
class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(const asio::any_io_executor& executor, std::shared_ptr<WebSocket> socket)
      : socket_(std::move(socket)),
        input_(executor, dup(STDIN_FILENO)),
        output_(executor, dup(STDOUT_FILENO)),
        resized_signal_(executor, SIGWINCH),
        end_signals_(executor, SIGTERM, SIGHUP, SIGINT) {}

  void start_watching() {
    watch_size();
    end_signals_.async_wait([self = shared_from_this()](const error_code& cancelled, int signal) {
      if (cancelled) return;
      self->ended_by_ = signal;
      self->socket_->abort();
    });
  }

  /// Keys and sizes, one after the other: a WebSocket takes one message at a time.
  static net::Task<void> type_in(std::shared_ptr<Session> self) {
    std::array<char, 4096> bytes;
    for (bool good = true; good;) {
      if (self->resized_) {
        self->resized_ = false;
        auto text = resize_text(LocalTerminal::size());
        good = co_await self->socket_->write(WebSocket::Kind::text, std::move(text));
        continue;
      }
      error_code failed;
      const auto space = asio::buffer(bytes);
      const auto count = co_await self->input_.async_read_some(space, net::into(failed));
      if (failed == asio::error::operation_aborted && !self->over_) continue;
      if (self->over_) break;
      auto typed = failed ? std::string(kEndOfInput) : std::string(bytes.data(), count);
      good = co_await self->socket_->write(WebSocket::Kind::binary, std::move(typed));
      if (failed) break;
    }
  }

  net::Task<Result<int>> show() {
    while (true) {
      auto message = co_await socket_->read();
      if (ended_by_) co_return 128 + *ended_by_;
      if (!message) co_return fail(ErrorCode::unavailable, "cannot go on: the agent closed the terminal");
      if (message->kind == WebSocket::Kind::text) {
        const auto outcome = said(message->bytes);
        if (outcome) co_return *outcome;
        continue;
      }
      error_code failed;
      const auto bytes = asio::buffer(message->bytes);
      co_await asio::async_write(output_, bytes, net::into(failed));
      if (failed) co_return fail(ErrorCode::unavailable, "cannot write to standard output: " + failed.message());
    }
  }

  void stop() {
    over_ = true;
    error_code ignored;
    input_.cancel(ignored);
    resized_signal_.cancel(ignored);
    end_signals_.cancel(ignored);
  }

 private:
  void watch_size() {
    resized_signal_.async_wait([self = shared_from_this()](const error_code& cancelled, int) {
      if (cancelled) return;
      self->resized_ = true;
      error_code ignored;
      self->input_.cancel(ignored);
      self->watch_size();
    });
  }

  /// The outcome, when the text is one; texts of later versions are passed over.
  static std::optional<Result<int>> said(const std::string& text) {
    const auto value = parse_json(text);
    if (!value) return fail(ErrorCode::upstream, "cannot read the agent's message: " + value.error().message);
    ObjectReader reader(*value, "$");
    const auto type = reader.text("type");
    if (type == "error") return fail(ErrorCode::unavailable, reader.text("message"));
    if (type != "exit") return std::nullopt;
    const auto code = reader.optional_integer("exit_code", 0, 255);
    const auto signal = reader.optional_integer("signal", 1, 64);
    return status_of(code, signal);
  }

  std::shared_ptr<WebSocket> socket_;
  asio::posix::stream_descriptor input_;
  asio::posix::stream_descriptor output_;
  asio::signal_set resized_signal_;
  asio::signal_set end_signals_;
  std::optional<int> ended_by_;
  bool resized_ = false;
  bool over_ = false;
};

}  // namespace

net::Task<Result<int>> run_terminal(std::shared_ptr<WebSocket> socket) {
  const auto executor = co_await net::this_executor();
  const LocalTerminal terminal;
  const auto session = std::make_shared<Session>(executor, socket);
  session->start_watching();
  net::spawn(executor, Session::type_in(session), "input of a terminal");
  auto outcome = co_await session->show();
  session->stop();
  co_await socket->close(WebSocket::Close::normal, "");
  socket->abort();
  co_return outcome;
}

}  // namespace dd::cli
