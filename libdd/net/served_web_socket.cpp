#include "libdd/net/served_web_socket.hpp"

#include <algorithm>

#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/websocket/stream.hpp>

#include "libdd/net/into.hpp"

namespace dd::net {

namespace http = boost::beast::http;
namespace websocket = boost::beast::websocket;
using boost::system::error_code;

namespace {

constexpr std::chrono::seconds kHandshake{30};
// How long a peer has to answer a close and to hang up. Shorter than kHandshake: Beast of 1.74 asserts when that runs out while a read waits
// behind a close.
constexpr std::chrono::seconds kClosing{5};
// What a close frame has room for behind its code.
constexpr std::size_t kMaxReason = 123;

/// What Beast looks at in a handshake.
http::request<http::empty_body> handshake_of(const ServerRequest& request) {
  http::request<http::empty_body> handshake(http::verb::get, request.target, 11);
  for (const char* name : {"Host", "Connection", "Upgrade", "Sec-WebSocket-Version", "Sec-WebSocket-Key"})
    if (const auto* value = request.headers.find(name)) handshake.set(name, *value);
  return handshake;
}

}  // namespace

struct ServedWebSocket::Stream : websocket::stream<asio::ip::tcp::socket> {
  using websocket::stream<asio::ip::tcp::socket>::stream;
};

ServedWebSocket::ServedWebSocket(asio::ip::tcp::socket socket, std::size_t max_message,
                                 std::chrono::milliseconds ping_interval)
    : stream_(std::make_unique<Stream>(std::move(socket))), closed_event_(stream_->get_executor()) {
  websocket::stream_base::timeout patience{};
  patience.handshake_timeout = kHandshake;
  // Beast pings when half of it is over.
  patience.idle_timeout = 2 * ping_interval;
  patience.keep_alive_pings = true;
  stream_->set_option(patience);
  stream_->read_message_max(max_message);
  stream_->auto_fragment(false);
}

ServedWebSocket::~ServedWebSocket() = default;

asio::any_io_executor ServedWebSocket::executor() { return stream_->get_executor(); }

Task<bool> ServedWebSocket::accept(const ServerRequest& request) {
  const auto self = shared_from_this();
  const auto handshake = handshake_of(request);
  stream_->set_option(
      websocket::stream_base::decorator([request_id = request.request_id](websocket::response_type& response) {
        response.erase(boost::beast::http::field::server);
        response.set("X-Request-Id", request_id);
      }));
  error_code failed;
  co_await stream_->async_accept(handshake, into(failed));
  co_return !failed;
}

Task<std::optional<WebSocket::Message>> ServedWebSocket::read() {
  const auto self = shared_from_this();
  // Beast of 1.74 asserts when a read begins behind a close, which reads by itself.
  if (closing_) co_return std::nullopt;
  boost::beast::flat_buffer buffer;
  error_code over;
  co_await stream_->async_read(buffer, into(over));
  if (over) co_return std::nullopt;
  Message message;
  message.kind = stream_->got_text() ? Kind::text : Kind::binary;
  message.bytes = boost::beast::buffers_to_string(buffer.data());
  co_return message;
}

Task<bool> ServedWebSocket::write(Kind kind, std::string bytes) {
  const auto self = shared_from_this();
  if (closing_) co_return false;
  stream_->binary(kind == Kind::binary);
  const auto from = asio::buffer(bytes);
  error_code over;
  co_await stream_->async_write(from, into(over));
  co_return !over;
}

Task<void> ServedWebSocket::close(Close code, std::string reason) {
  const auto self = shared_from_this();
  // Beast takes one close; the first has said why.
  while (closing_ && !closed_) co_await closed_event_.wait(kClosing);
  if (closing_) co_return;
  closing_ = true;
  websocket::close_reason why;
  why.code = static_cast<std::uint16_t>(code);
  const auto length = std::min(reason.size(), kMaxReason);
  why.reason.assign(reason.data(), length);
  asio::steady_timer patience(stream_->get_executor(), kClosing);
  patience.async_wait([self](const error_code& cancelled) {
    if (!cancelled) self->abort();
  });
  error_code ignored;
  co_await stream_->async_close(why, into(ignored));
  closed_ = true;
  closed_event_.notify();
}

void ServedWebSocket::abort() {
  error_code ignored;
  stream_->next_layer().close(ignored);
}

}  // namespace dd::net
