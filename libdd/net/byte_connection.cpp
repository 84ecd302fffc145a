#include "libdd/net/byte_connection.hpp"

#include <algorithm>

#include <boost/asio/write.hpp>

#include "libdd/net/into.hpp"
#include "libdd/net/line_stream.hpp"

namespace dd::net {

using boost::system::error_code;

ByteConnection::ByteConnection(std::shared_ptr<LineStream> stream)
    : stream_(std::move(stream)), early_(stream_->take_rest()) {}

ByteConnection::~ByteConnection() { close(); }

Task<std::size_t> ByteConnection::read(std::span<char> room) {
  if (!early_.empty()) {
    const auto count = early_.copy(room.data(), room.size());
    early_.erase(0, count);
    co_return count;
  }
  const auto stream = stream_;
  const auto space = asio::buffer(room.data(), room.size());
  error_code ec;
  const auto count = co_await stream->socket().async_read_some(space, into(ec));
  co_return ec ? 0 : count;
}

Task<bool> ByteConnection::write(std::string_view bytes) {
  const auto stream = stream_;
  const auto from = asio::buffer(bytes.data(), bytes.size());
  error_code ec;
  co_await asio::async_write(stream->socket(), from, into(ec));
  co_return !ec;
}

Task<void> ByteConnection::hung_up() {
  const auto stream = stream_;
  (void)co_await stream->hung_up();
}

void ByteConnection::close() { stream_->close(); }

}  // namespace dd::net
