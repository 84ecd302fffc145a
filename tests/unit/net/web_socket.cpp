// WebSockets of the server, spoken to in bytes of our own making: a client library would not break the protocol for us.
#include "libdd/net/web_socket.hpp"

#include <doctest/doctest.h>

#include <future>

#include "tests/unit/net/raw_client.hpp"
#include "tests/unit/net/served.hpp"

using namespace dd;
using namespace dd::net;
using namespace std::chrono_literals;
using dd::test::RawClient;
using dd::test::Served;

namespace {

constexpr std::size_t kMaxMessage = 1000;
enum Opcode : unsigned char { kContinuation = 0, kText = 1, kBinary = 2, kClose = 8, kPing = 9, kPong = 10 };
constexpr unsigned char kFin = 0x80;
constexpr unsigned char kMasked = 0x80;

struct Shape {
  unsigned char reserved = 0;  // bits 0x40, 0x20, 0x10
  bool fin = true;
  bool masked = true;
};

std::string frame(unsigned char opcode, const std::string& payload, Shape shape = {}) {
  std::string out;
  out += static_cast<char>((shape.fin ? kFin : 0) | shape.reserved | opcode);
  const unsigned char mask_bit = shape.masked ? kMasked : 0;
  if (payload.size() < 126) {
    out += static_cast<char>(mask_bit | payload.size());
  } else {
    out += static_cast<char>(mask_bit | 126);
    out += static_cast<char>(payload.size() >> 8);
    out += static_cast<char>(payload.size() & 0xff);
  }
  const std::string mask = "\x11\x22\x33\x44";
  if (shape.masked) out += mask;
  for (std::size_t i = 0; i < payload.size(); ++i)
    out += shape.masked ? static_cast<char>(payload[i] ^ mask[i % 4]) : payload[i];
  return out;
}

std::string close_payload(unsigned code, const std::string& reason = {}) {
  return std::string{static_cast<char>(code >> 8), static_cast<char>(code & 0xff)} + reason;
}

/// Gives every message back, and says who it is: what `authenticate` returned.
Task<void> echo_messages(std::shared_ptr<WebSocket> socket, const ServerRequest& request) {
  bool good = co_await socket->write(WebSocket::Kind::text, "hello" + request.principal);
  while (good) {
    auto message = co_await socket->read();
    if (!message) break;
    if (message->bytes == "close") {
      co_await socket->close(WebSocket::Close::policy, std::string(200, 'r'));
      break;
    }
    good = co_await socket->write(message->kind, std::move(message->bytes));
  }
}

Router talking() {
  Router router;
  RouteOptions options;
  options.max_body = kMaxMessage;
  router.add_web_socket("/talk", echo_messages, options);
  options.authenticate = [](const ServerRequest& request) -> Task<Result<std::string>> {
    if (!request.query_value("ticket")) co_return fail(ErrorCode::unauthenticated, "cannot let you in");
    co_return std::string(" alice");
  };
  router.add_web_socket("/guarded", echo_messages, options);
  return router;
}

std::string handshake(const std::string& target = "/talk", const std::string& more = {}) {
  return "GET " + target + " HTTP/1.1\r\nHost: vm.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
         "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" + more + "\r\n";
}

struct Talk {
  explicit Talk(const Served& served) : client(served.port()) {
    client.send(handshake());
    REQUIRE(client.answer().value().status == 101);
    CHECK(next() == "text hello");
  }

  /// The server's next frame in words; the server never fragments and never masks.
  std::string next() {
    const auto head = client.take(2);
    if (head.size() < 2) return "nothing";
    const auto first = static_cast<unsigned char>(head[0]);
    std::size_t size = static_cast<unsigned char>(head[1]);
    if (size == 126) {
      const auto length = client.take(2);
      size =
          static_cast<std::size_t>(static_cast<unsigned char>(length[0])) << 8 | static_cast<unsigned char>(length[1]);
    }
    const auto payload = client.take(size);
    switch (first) {
      case kFin | kText:
        return "text " + payload;
      case kFin | kBinary:
        return "binary " + payload;
      case kFin | kPing:
        return "ping " + payload;
      case kFin | kPong:
        return "pong " + payload;
      case kFin | kClose:
        if (payload.size() < 2) return "close";
        return "close " +
               std::to_string(static_cast<unsigned char>(payload[0]) << 8 | static_cast<unsigned char>(payload[1]));
      default:
        return "frame " + std::to_string(first);
    }
  }

  RawClient client;
};

}  // namespace

TEST_CASE("the handshake is that of RFC 6455, 1.3") {
  Served served(talking());
  RawClient client(served.port());
  client.send(handshake());
  const auto answer = client.answer().value();
  CHECK(answer.status == 101);
  CHECK(answer.header("Sec-WebSocket-Accept") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  CHECK(answer.header("Sec-WebSocket-Extensions") == "");
  CHECK(answer.header("X-Request-Id").size() > 8);
}

TEST_CASE("who may not, or asks wrongly, gets an ordinary answer") {
  Served served(talking());
  const struct {
    const char* name;
    std::string request;
    int status;
  } cases[] = {
      {"no upgrade", "GET /talk HTTP/1.1\r\nHost: vm.example\r\n\r\n", 426},
      {"another version",
       "GET /talk HTTP/1.1\r\nHost: vm.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
       "Sec-WebSocket-Version: 8\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
       426},
      {"no key",
       "GET /talk HTTP/1.1\r\nHost: vm.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
       "Sec-WebSocket-Version: 13\r\n\r\n",
       426},
      {"another method", "POST /talk HTTP/1.1\r\nHost: vm.example\r\nContent-Length: 0\r\n\r\n", 405},
      {"not let in", handshake("/guarded"), 401},
      {"from another page", handshake("/talk", "Origin: https://evil.example\r\n"), 403},
      {"from another page of that host", handshake("/talk", "Origin: https://vm.example:8443\r\n"), 403},
      {"from nowhere", handshake("/talk", "Origin: null\r\n"), 403},
      {"two origins", handshake("/talk", "Origin: https://vm.example\r\nOrigin: https://vm.example\r\n"), 403},
      {"a page that would be let in", handshake("/guarded?ticket=1", "Origin: https://evil.example\r\n"), 403},
      {"data before the answer", handshake() + frame(kText, "early"), 400},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    RawClient client(served.port());
    client.send(c.request);
    CHECK(client.answer().value().status == c.status);
  }
}

TEST_CASE("the own page is let in, and the handler knows whom authentication found") {
  Served served(talking());
  for (const char* origin : {"https://vm.example", "https://VM.example:443", "http://vm.example"}) {
    CAPTURE(origin);
    Talk other(served);
    RawClient client(served.port());
    client.send(handshake("/guarded?ticket=1", "Origin: " + std::string(origin) + "\r\n"));
    REQUIRE(client.answer().value().status == 101);
    CHECK(client.take(13) == "\x81\x0bhello alice");
  }
}

TEST_CASE("frames: what is answered, and with which code what is none is closed") {
  Served served(talking());
  const std::string big(kMaxMessage, 'x');
  const struct {
    const char* name;
    std::string sent;
    std::string heard;
  } cases[] = {
      {"text", frame(kText, "ä"), "text ä"},
      {"binary", frame(kBinary, std::string("\0\xff", 2)), std::string("binary \0\xff", 9)},
      {"an empty message", frame(kText, ""), "text "},
      {"a message as large as may be", frame(kBinary, big), "binary " + big},
      {"fragments",
       frame(kText, "a", {.fin = false}) + frame(kContinuation, "b", {.fin = false}) + frame(kContinuation, "c"),
       "text abc"},
      {"a character in two fragments", frame(kText, "\xc3", {.fin = false}) + frame(kContinuation, "\xa4"), "text ä"},
      {"a ping", frame(kPing, "are you there"), "pong are you there"},
      {"a ping between fragments", frame(kText, "a", {.fin = false}) + frame(kPing, "p"), "pong p"},
      {"a ping of 125 bytes", frame(kPing, std::string(125, 'p')), "pong " + std::string(125, 'p')},
      {"a pong that nobody asked for", frame(kPong, "") + frame(kText, "a"), "text a"},
      {"a close", frame(kClose, close_payload(1000, "bye")), "close 1000"},
      {"a close without a code", frame(kClose, ""), "close 1000"},
      {"the handler's close", frame(kText, "close"), "close 1008"},
      {"not masked", frame(kText, "a", {.masked = false}), "close 1002"},
      {"a reserved bit", frame(kText, "a", {.reserved = 0x40}), "close 1002"},
      {"another reserved bit", frame(kBinary, "a", {.reserved = 0x10}), "close 1002"},
      {"a reserved opcode", frame(3, "a"), "close 1002"},
      {"a reserved control opcode", frame(11, ""), "close 1002"},
      {"a control frame over 125 bytes", frame(kPing, std::string(126, 'p')), "close 1002"},
      {"a control frame in fragments", frame(kPing, "p", {.fin = false}), "close 1002"},
      {"a continuation of nothing", frame(kContinuation, "a"), "close 1002"},
      {"a message within a message", frame(kText, "a", {.fin = false}) + frame(kText, "b"), "close 1002"},
      {"bad UTF-8", frame(kText, "\xc3\x28"), "close 1007"},
      {"UTF-8 that ends too early", frame(kText, "\xc3"), "close 1007"},
      {"a close with a reserved code", frame(kClose, close_payload(1005)), "close 1002"},
      {"a close of one byte", frame(kClose, "x"), "close 1002"},
      {"a message over the limit", frame(kBinary, big + "x"), "close 1009"},
      {"fragments over the limit", frame(kBinary, big, {.fin = false}) + frame(kContinuation, "x"), "close 1009"},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    Talk talk(served);
    talk.client.send(c.sent);
    CHECK(talk.next() == c.heard);
    if (!c.heard.starts_with("close")) continue;
    talk.client.send(frame(kClose, close_payload(1000)));
    CHECK(talk.client.closed());
  }
}

TEST_CASE("a peer that says nothing is pinged, and one that does not answer is given up") {
  HttpServerOptions options;
  options.ping_interval = 50ms;
  Served served(talking(), options);
  Talk talk(served);
  CHECK(talk.next() == "ping ");
  talk.client.send(frame(kPong, ""));
  CHECK(talk.next() == "ping ");
  CHECK(talk.client.closed());
}

TEST_CASE("a server that stops says so, and waits for the peer's answer within its grace") {
  Served served(talking());
  std::future<void> stopped;
  {
    Talk talk(served);
    stopped = std::async(std::launch::async, [&] { served.stop(60s); });
    CHECK(talk.next() == "close 1001");
    talk.client.send(frame(kClose, close_payload(1001)));
    CHECK(talk.client.closed());
  }
  CHECK(stopped.wait_for(20s) == std::future_status::ready);
}

TEST_CASE("a peer that answers the close and does not hang up is cut off when the grace is over") {
  Served served(talking());
  Talk talk(served);
  auto stopped = std::async(std::launch::async, [&] { served.stop(100ms); });
  CHECK(talk.next() == "close 1001");
  talk.client.send(frame(kClose, close_payload(1001)));
  CHECK(talk.client.closed());
  CHECK(stopped.wait_for(20s) == std::future_status::ready);
}

TEST_CASE("a peer that does not answer the close is cut off when the grace is over") {
  Served served(talking());
  Talk talk(served);
  served.stop(20ms);
  CHECK(talk.next() == "close 1001");
  CHECK(talk.next() == "nothing");
}
