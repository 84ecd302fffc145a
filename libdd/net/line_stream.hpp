// One connected unix socket that carries lines; under the server and the client of line_socket.hpp. Private to libdd/net.
#pragma once

#include <utility>

#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>

#include "libdd/net/line_buffer.hpp"
#include "libdd/net/task.hpp"

namespace dd::net {

/// One thread only. Shared with the timer that ends an overdue operation.
class LineStream : public std::enable_shared_from_this<LineStream> {
 public:
  using Socket = asio::local::stream_protocol::socket;

  LineStream(Socket socket, std::size_t max_line)
      : socket_(std::move(socket)), timer_(socket_.get_executor()), buffer_(max_line) {}

  /// Errors: unavailable when the peer closed, too_large, deadline_exceeded after expire_at().
  Task<Result<std::string>> read();
  /// Adds the newline. Errors: as read().
  Task<Result<void>> write(std::string line);

  /// From then on operations fail with deadline_exceeded, until disarm().
  void expire_at(std::chrono::steady_clock::time_point when);
  void disarm();
  /// Returns true when the peer is gone for good, although nobody reads; false when it is closed, or an operation of it was overdue.
  Task<bool> hung_up();
  /// What was read and is not a line that was returned.
  [[nodiscard]] std::string take_rest() { return buffer_.take_rest(); }
  [[nodiscard]] bool partly_written() const noexcept { return partly_written_; }
  [[nodiscard]] bool is_open() const noexcept { return socket_.is_open(); }
  [[nodiscard]] Socket& socket() noexcept { return socket_; }
  void close();

 private:
  Error failure(std::string_view verb, const boost::system::error_code& ec) const;

  Socket socket_;
  asio::steady_timer timer_;
  LineBuffer buffer_;
  bool expired_ = false;
  bool partly_written_ = false;
};

/// A socket object over a connected descriptor; takes ownership of `fd` also when it fails (a number that is no unix stream socket).
[[nodiscard]] Result<LineStream::Socket> adopt_socket(asio::any_io_executor executor, int fd);

}  // namespace dd::net
