#include "libdd/net/line_stream.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <array>

#include <boost/asio/write.hpp>

#include "libdd/net/into.hpp"

namespace dd::net {

using boost::system::error_code;

namespace {

constexpr std::size_t kLineReadSize = 16 * 1024;

bool is_unix_stream(int fd) {
  int type = 0;
  sockaddr_storage address{};
  socklen_t size = sizeof type;
  socklen_t address_size = sizeof address;
  return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM &&
         getsockname(fd, reinterpret_cast<sockaddr*>(&address), &address_size) == 0 && address.ss_family == AF_UNIX;
}

}  // namespace

Error LineStream::failure(std::string_view verb, const error_code& ec) const {
  const auto what = "cannot " + std::string(verb) + " line: ";
  if (expired_) return {ErrorCode::deadline_exceeded, what + "the peer took too long", {}, {}};
  if (ec == asio::error::eof) return {ErrorCode::unavailable, what + "the peer closed the connection", {}, {}};
  return {ErrorCode::unavailable, what + ec.message(), {}, {}};
}

Task<Result<std::string>> LineStream::read() {
  const auto self = shared_from_this();
  std::array<char, kLineReadSize> bytes;
  const auto space = asio::buffer(bytes);
  for (;;) {
    if (auto line = buffer_.next()) co_return *std::move(line);
    if (buffer_.overflow()) co_return fail(ErrorCode::too_large, "cannot read line: over the limit");
    error_code ec = asio::error::operation_aborted;
    std::size_t count = 0;
    if (!expired_) count = co_await socket_.async_read_some(space, into(ec));
    if (ec) co_return tl::unexpected(failure("read", ec));
    buffer_.append({bytes.data(), count});
  }
}

Task<Result<void>> LineStream::write(std::string line) {
  const auto self = shared_from_this();
  line += '\n';
  const auto bytes = asio::buffer(line);
  error_code ec = asio::error::operation_aborted;
  std::size_t written = 0;
  if (!expired_) written = co_await asio::async_write(socket_, bytes, into(ec));
  partly_written_ = ec && written > 0;
  if (ec) co_return tl::unexpected(failure("write", ec));
  co_return Result<void>();
}

Task<bool> LineStream::hung_up() {
  const auto self = shared_from_this();
  error_code ec;
  // Linux says so with EPOLLHUP, once both directions of a unix socket are closed.
  co_await socket_.async_wait(Socket::wait_error, into(ec));
  co_return !ec;
}

void LineStream::expire_at(std::chrono::steady_clock::time_point when) {
  expired_ = false;
  timer_.expires_at(when);
  timer_.async_wait([self = shared_from_this(), when](const error_code& ec) {
    // A wait that was over before disarm() came still gets here without an error.
    if (ec || self->timer_.expiry() != when) return;
    self->expired_ = true;
    error_code ignored;
    self->socket_.cancel(ignored);
  });
}

void LineStream::disarm() {
  timer_.expires_at(asio::steady_timer::time_point::max());
  expired_ = false;
}

void LineStream::close() {
  error_code ignored;
  socket_.close(ignored);
  timer_.cancel();
}

Result<LineStream::Socket> adopt_socket(asio::any_io_executor executor, int fd) {
  LineStream::Socket socket(executor);
  error_code ec = asio::error::not_socket;
  if (is_unix_stream(fd)) socket.assign(asio::local::stream_protocol(), fd, ec);
  if (!ec) return socket;
  ::close(fd);
  return fail(ErrorCode::invalid_argument,
              "cannot use descriptor " + std::to_string(fd) + ": not a unix stream socket");
}

}  // namespace dd::net
