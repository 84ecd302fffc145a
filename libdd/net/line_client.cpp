#include <algorithm>
#include <deque>

#include "libdd/net/byte_connection.hpp"
#include "libdd/net/into.hpp"
#include "libdd/net/line_socket.hpp"
#include "libdd/net/line_stream.hpp"

namespace dd::net {
namespace {

using asio::local::stream_protocol;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;

std::chrono::milliseconds left_until(Clock::time_point until) {
  return std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now());
}

Task<Result<std::shared_ptr<LineStream>>> connect_to(asio::any_io_executor executor, std::filesystem::path path) {
  if (path.string().size() >= sizeof(sockaddr_un::sun_path))
    co_return fail(ErrorCode::invalid_argument, "cannot connect to " + path.string() + ": path too long");
  const stream_protocol::endpoint endpoint(path.string());
  stream_protocol::socket socket(executor);
  error_code ec;
  co_await socket.async_connect(endpoint, into(ec));
  if (ec) co_return fail(ErrorCode::unavailable, "cannot connect to " + path.string() + ": " + ec.message());
  co_return std::make_shared<LineStream>(std::move(socket), LineClient::kMaxAnswer);
}

}  // namespace

struct LineClient::Impl {
  Impl(asio::any_io_executor e, std::filesystem::path p)
      : executor(std::move(e)), path(std::move(p)), turn_over(executor) {}

  /// Waits until every earlier caller is done. False at `until`.
  Task<bool> take_turn(std::uint64_t ticket, Clock::time_point until);
  void leave(std::uint64_t ticket) {
    std::erase(queue, ticket);
    turn_over.notify();
  }
  Task<Result<void>> connect();
  Task<Result<std::string>> exchange(std::string line);

  asio::any_io_executor executor;
  std::filesystem::path path;  // empty: an inherited socket, which cannot be reconnected
  std::shared_ptr<LineStream> stream;
  std::deque<std::uint64_t> queue;  // callers, the first has its turn
  std::uint64_t next_ticket = 0;
  std::size_t late_answers = 0;  // to calls that were given up, still to come on an inherited socket
  Event turn_over;
};

Task<bool> LineClient::Impl::take_turn(std::uint64_t ticket, Clock::time_point until) {
  while (queue.front() != ticket) {
    const auto left = left_until(until);
    if (left <= std::chrono::milliseconds(0)) co_return false;
    co_await turn_over.wait(left);
  }
  co_return true;
}

Task<Result<void>> LineClient::Impl::connect() {
  if (stream && stream->is_open()) co_return Result<void>();
  if (path.empty()) co_return fail(ErrorCode::unavailable, "cannot call: the inherited socket is closed");
  auto connected = co_await connect_to(executor, path);
  if (!connected) co_return tl::unexpected(connected.error());
  stream = *std::move(connected);
  late_answers = 0;
  co_return Result<void>();
}

Task<Result<std::string>> LineClient::Impl::exchange(std::string line) {
  const auto current = stream;
  const auto written = co_await current->write(std::move(line));
  if (!written) {
    // Half a line cannot be taken back; nothing written is as if the call never was.
    if (written.error().code != ErrorCode::deadline_exceeded || current->partly_written()) current->close();
    co_return tl::unexpected(written.error());
  }
  ++late_answers;
  for (;;) {
    auto answer = co_await current->read();
    if (!answer) {
      // An answer that comes later must not become the next call's: a new connection, or where there is none to be had, skip it then.
      if (answer.error().code != ErrorCode::deadline_exceeded || !path.empty()) current->close();
      co_return answer;
    }
    if (--late_answers == 0) co_return answer;
  }
}

LineClient::LineClient(asio::any_io_executor executor, std::filesystem::path path)
    : impl_(std::make_shared<Impl>(std::move(executor), std::move(path))) {}

LineClient::LineClient(asio::any_io_executor executor, int fd)
    : impl_(std::make_shared<Impl>(executor, std::filesystem::path())) {
  if (auto socket = adopt_socket(executor, fd))
    impl_->stream = std::make_shared<LineStream>(std::move(*socket), LineClient::kMaxAnswer);
}

LineClient::~LineClient() { close(); }

void LineClient::close() {
  if (impl_->stream) impl_->stream->close();
}

Task<Result<std::string>> LineClient::call(std::string line, std::chrono::milliseconds deadline) {
  const auto impl = impl_;
  const auto until = Clock::now() + std::min<std::chrono::milliseconds>(deadline, std::chrono::hours(24));
  const auto ticket = impl->next_ticket++;
  impl->queue.push_back(ticket);
  // Also when the io_context destroys this coroutine.
  const std::shared_ptr<void> leaving(nullptr, [impl, ticket](void*) { impl->leave(ticket); });
  const bool our_turn = co_await impl->take_turn(ticket, until);
  if (!our_turn) co_return fail(ErrorCode::deadline_exceeded, "cannot call: earlier calls took too long");
  const auto connected = co_await impl->connect();
  if (!connected) co_return tl::unexpected(connected.error());
  const auto stream = impl->stream;
  stream->expire_at(until);
  auto answer = co_await impl->exchange(std::move(line));
  stream->disarm();
  co_return answer;
}

Task<Result<OpenedConnection>> open_connection(std::filesystem::path path, std::string line,
                                               std::chrono::milliseconds deadline, std::stop_token given_up) {
  const auto executor = co_await this_executor();
  const auto connected = co_await connect_to(executor, std::move(path));
  if (!connected) co_return tl::unexpected(connected.error());
  const auto& stream = *connected;
  const std::stop_callback closing(given_up, [stream] { stream->close(); });
  stream->expire_at(Clock::now() + std::min<std::chrono::milliseconds>(deadline, std::chrono::hours(24)));
  const auto written = co_await stream->write(std::move(line));
  Result<std::string> answer;
  if (written) answer = co_await stream->read();
  stream->disarm();
  if (!written) co_return tl::unexpected(written.error());
  if (!answer) co_return tl::unexpected(answer.error());
  OpenedConnection opened;
  opened.answer = *std::move(answer);
  opened.connection = std::make_shared<ByteConnection>(stream);
  co_return opened;
}

Task<Result<OpenedConnection>> open_connection(std::filesystem::path path, std::string line,
                                               std::chrono::milliseconds deadline) {
  return open_connection(std::move(path), std::move(line), deadline, std::stop_token());
}

}  // namespace dd::net
