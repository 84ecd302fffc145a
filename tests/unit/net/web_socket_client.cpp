// The client's WebSocket against our own server, and against peers that are none.
#include "libdd/net/web_socket_client.hpp"

#include <doctest/doctest.h>

#include "libdd/net/blocking.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/net/scripted_server.hpp"
#include "tests/unit/net/served.hpp"
#include "tests/unit/net/tls_server.hpp"

using namespace dd;
using namespace dd::net;
using namespace std::chrono_literals;
using dd::test::ScriptedServer;
using dd::test::Served;

namespace {

Task<void> echo_back(std::shared_ptr<WebSocket> socket, const ServerRequest& request) {
  bool good = co_await socket->write(WebSocket::Kind::text, *request.headers.find("Host"));
  while (good) {
    auto message = co_await socket->read();
    if (!message || message->bytes == "end") break;
    good = co_await socket->write(message->kind, std::move(message->bytes));
  }
}

Router talking_back() {
  Router router;
  router.add_web_socket("/talk", echo_back, {});
  RouteOptions guarded;
  guarded.authenticate = [](const ServerRequest&) -> Task<Result<std::string>> {
    co_return fail(ErrorCode::unauthenticated, "ticket_invalid", "cannot let you in");
  };
  router.add_web_socket("/guarded", echo_back, guarded);
  return router;
}

WebSocketCall call_of(std::string url) {
  WebSocketCall call;
  call.url = std::move(url);
  return call;
}

/// Opens, says each text, and returns what was heard in words.
Result<std::vector<std::string>> talk(HttpClientOptions options, WebSocketCall call, std::vector<std::string> texts) {
  return run_blocking([&]() -> Task<Result<std::vector<std::string>>> {
    const auto socket = co_await open_web_socket(options, call);
    if (!socket) co_return tl::unexpected(socket.error());
    std::vector<std::string> heard;
    std::size_t said = 0;
    while (true) {
      const auto message = co_await (*socket)->read();
      if (!message) break;
      heard.push_back((message->kind == WebSocket::Kind::text ? "text " : "binary ") + message->bytes);
      if (said == texts.size()) break;
      const bool good = co_await (*socket)->write(WebSocket::Kind::binary, texts.at(said++));
      if (!good) break;
    }
    co_await (*socket)->close(WebSocket::Close::normal, "");
    co_return heard;
  });
}

std::optional<Error> problem(HttpClientOptions options, WebSocketCall call) {
  const auto outcome = talk(std::move(options), std::move(call), {});
  return outcome ? std::nullopt : std::optional(outcome.error());
}

}  // namespace

TEST_CASE("messages go both ways, through the edge, under the name that the URL has") {
  Served served(talking_back());
  HttpClientOptions options;
  options.edge_url = "http://127.0.0.1:" + std::to_string(served.port());
  const std::string long_text(60'000, 'x');
  const auto heard = talk(options, call_of("http://vm-1.dd.example:81/talk"), {"a", "", long_text, "end"});
  REQUIRE_MESSAGE(heard, heard.error().message);
  CHECK(*heard == std::vector<std::string>{"text vm-1.dd.example:81", "binary a", "binary ", "binary " + long_text});
}

TEST_CASE("what the server says in place of a WebSocket is the error") {
  Served served(talking_back());
  const auto at = [&](const char* path) { return call_of("http://127.0.0.1:" + std::to_string(served.port()) + path); };
  const auto refused = problem({}, at("/guarded?ticket=hush"));
  REQUIRE(refused);
  CHECK(refused->code == ErrorCode::unauthenticated);
  CHECK(refused->reason == "ticket_invalid");
  CHECK(refused->message.find("hush") == std::string::npos);
  CHECK(problem({}, at("/nowhere"))->code == ErrorCode::not_found);
}

TEST_CASE("whoever cannot be reached, or speaks something else, is an error that keeps the ticket") {
  const ScriptedServer garbage({"SSH-2.0-OpenSSH_9.2\r\n"});
  const ScriptedServer wrong_key({"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                                  "Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n"},
                                 ScriptedServer::After::keep_open);
  const struct {
    const char* name;
    std::string url;
    ErrorCode code;
  } cases[] = {
      {"nobody listens", "http://127.0.0.1:1/?ticket=hush", ErrorCode::unavailable},
      {"no HTTP", garbage.url("/?ticket=hush"), ErrorCode::unavailable},
      {"an answer to another key", wrong_key.url("/?ticket=hush"), ErrorCode::unavailable},
      {"no URL", "ws://127.0.0.1/?ticket=hush", ErrorCode::invalid_argument},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    const auto error = problem({}, call_of(c.url));
    REQUIRE(error);
    CHECK(error->code == c.code);
    CHECK(error->message.find("hush") == std::string::npos);
  }
}

TEST_CASE("a server that does not answer is given up at the deadline") {
  const ScriptedServer silent({""}, ScriptedServer::After::keep_open);
  auto call = call_of(silent.url());
  call.deadline = 50ms;
  const auto error = problem({}, call);
  REQUIRE(error);
  CHECK(error->code == ErrorCode::deadline_exceeded);
}

TEST_CASE("a WebSocket over TLS trusts the given authority, for the host it names, and no other") {
  const TempDir dir;
  const test::TlsServer server("localhost");
  server.write_authority(dir.path() / "ca.pem");
  const test::TlsServer other_name("example.com");
  other_name.write_authority(dir.path() / "other.pem");
  const auto at = [](const test::TlsServer& s) {
    return call_of("https://localhost:" + std::to_string(s.port()) + "/");
  };
  HttpClientOptions options;
  options.ca_file = dir.path() / "ca.pem";
  // It knows no WebSockets: its 200 came through TLS.
  CHECK(problem(options, at(server))->code == ErrorCode::upstream);
  CHECK(problem({}, at(server))->code == ErrorCode::unavailable);
  options.ca_file = dir.path() / "other.pem";
  CHECK(problem(options, at(other_name))->code == ErrorCode::unavailable);
}

TEST_CASE("a message over the limit ends the conversation") {
  Served served(talking_back());
  auto call = call_of("http://127.0.0.1:" + std::to_string(served.port()) + "/talk");
  call.max_message = 100;
  const auto heard = talk({}, call, {std::string(101, 'x')});
  REQUIRE(heard);
  CHECK(heard->size() == 1);
}
