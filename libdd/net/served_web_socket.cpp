#include "libdd/net/served_web_socket.hpp"

#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>

#include "libdd/net/web_socket_over.hpp"

namespace dd::net {
namespace {

namespace http = boost::beast::http;
namespace websocket = boost::beast::websocket;

/// What Beast looks at in a handshake.
http::request<http::empty_body> handshake_of(const ServerRequest& request) {
  http::request<http::empty_body> handshake(http::verb::get, request.target, 11);
  for (const char* name : {"Host", "Connection", "Upgrade", "Sec-WebSocket-Version", "Sec-WebSocket-Key"})
    if (const auto* value = request.headers.find(name)) handshake.set(name, *value);
  return handshake;
}

class OverTcp final : public WebSocketOver<asio::ip::tcp::socket, ServedWebSocket> {
 public:
  using WebSocketOver::WebSocketOver;

  Task<bool> accept(const ServerRequest& request) override {
    const auto self = shared_from_this();
    const auto handshake = handshake_of(request);
    stream().set_option(
        websocket::stream_base::decorator([request_id = request.request_id](websocket::response_type& response) {
          response.erase(http::field::server);
          response.set("X-Request-Id", request_id);
        }));
    boost::system::error_code failed;
    co_await stream().async_accept(handshake, into(failed));
    co_return !failed;
  }

  asio::any_io_executor executor() override { return stream().get_executor(); }
};

}  // namespace

std::shared_ptr<ServedWebSocket> ServedWebSocket::over(asio::ip::tcp::socket socket, std::size_t max_message,
                                                       std::chrono::milliseconds ping_interval) {
  return std::make_shared<OverTcp>(max_message, ping_interval, std::move(socket));
}

}  // namespace dd::net
