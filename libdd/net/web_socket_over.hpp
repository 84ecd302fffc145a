// A WebSocket's conversation, the same for both ends and over every kind of stream. Private to libdd/net: it includes Beast.
#pragma once

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket/stream.hpp>

#include "libdd/net/into.hpp"
#include "libdd/net/web_socket.hpp"

namespace dd::net {

/// `Next` is the stream below, `Interface` a WebSocket or what adds to one. Whoever derives shakes hands first.
template <class Next, class Interface>
class WebSocketOver : public Interface, public std::enable_shared_from_this<WebSocketOver<Next, Interface>> {
 public:
  using Message = WebSocket::Message;

  template <class Argument, class... Arguments>
  WebSocketOver(std::size_t max_message, std::chrono::milliseconds ping_interval, Argument&& argument,
                Arguments&&... arguments)
      : stream_(std::forward<Argument>(argument), std::forward<Arguments>(arguments)...),
        closed_event_(stream_.get_executor()) {
    boost::beast::websocket::stream_base::timeout patience{};
    patience.handshake_timeout = kHandshake;
    // Beast pings when half of it is over.
    patience.idle_timeout = 2 * ping_interval;
    patience.keep_alive_pings = true;
    stream_.set_option(patience);
    stream_.read_message_max(max_message);
    stream_.auto_fragment(false);
  }

  Task<std::optional<Message>> read() override {
    const auto self = this->shared_from_this();
    // Beast of 1.74 asserts when a read begins behind a close, which reads by itself.
    if (closing_) co_return std::nullopt;
    boost::beast::flat_buffer buffer;
    boost::system::error_code over;
    co_await stream_.async_read(buffer, into(over));
    if (over) co_return std::nullopt;
    Message message;
    message.kind = stream_.got_text() ? WebSocket::Kind::text : WebSocket::Kind::binary;
    message.bytes = boost::beast::buffers_to_string(buffer.data());
    co_return message;
  }

  Task<bool> write(WebSocket::Kind kind, std::string bytes) override {
    const auto self = this->shared_from_this();
    if (closing_) co_return false;
    stream_.binary(kind == WebSocket::Kind::binary);
    const auto from = asio::buffer(bytes);
    boost::system::error_code over;
    co_await stream_.async_write(from, into(over));
    co_return !over;
  }

  Task<void> close(WebSocket::Close code, std::string reason) override {
    const auto self = this->shared_from_this();
    // Beast takes one close; the first has said why.
    while (closing_ && !closed_) co_await closed_event_.wait(kClosing);
    if (closing_) co_return;
    closing_ = true;
    boost::beast::websocket::close_reason why;
    why.code = static_cast<std::uint16_t>(code);
    const auto length = std::min(reason.size(), kMaxReason);
    why.reason.assign(reason.data(), length);
    asio::steady_timer patience(stream_.get_executor(), kClosing);
    patience.async_wait([self](const boost::system::error_code& cancelled) {
      if (!cancelled) self->abort();
    });
    boost::system::error_code ignored;
    co_await stream_.async_close(why, into(ignored));
    closed_ = true;
    closed_event_.notify();
  }

  void abort() override {
    boost::system::error_code ignored;
    boost::beast::get_lowest_layer(stream_).close(ignored);
  }

 protected:
  // Without compression, which would cost a window for each connection.
  using Stream = boost::beast::websocket::stream<Next, false>;

  [[nodiscard]] Stream& stream() noexcept { return stream_; }

 private:
  static constexpr std::chrono::seconds kHandshake{30};
  // How long a peer has to answer a close and to hang up. Shorter than kHandshake: Beast of 1.74 asserts when that runs out while a read
  // waits behind a close.
  static constexpr std::chrono::seconds kClosing{5};
  // What a close frame has room for behind its code.
  static constexpr std::size_t kMaxReason = 123;

  Stream stream_;
  Event closed_event_;
  bool closing_ = false;
  bool closed_ = false;
};

}  // namespace dd::net
