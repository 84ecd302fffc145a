#include "libdd/net/http_server.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <future>

#include <nlohmann/json.hpp>

#include "tests/unit/net/raw_client.hpp"
#include "tests/unit/net/served.hpp"

using namespace dd;
using namespace dd::net;
using namespace std::chrono_literals;
using dd::test::answers;
using dd::test::RawClient;
using dd::test::Served;

namespace {

Router hello() {
  Router router;
  router.add("GET", "/hello", answers(R"({"hello":true})"));
  return router;
}

/// POST /echo gives the body back; POST /guarded does so for callers with "Authorization: let me in".
Router echo(std::size_t max_body = 1024) {
  Router router;
  const Handler handler = [](const ServerRequest& request) -> Task<Result<ServerResponse>> {
    co_return json_response(request.body + request.principal);
  };
  RouteOptions open;
  open.max_body = max_body;
  router.add("POST", "/echo", handler, open);
  RouteOptions guarded = open;
  guarded.authenticate = [](const ServerRequest& request) -> Task<Result<std::string>> {
    const auto* header = request.headers.find("authorization");
    if (!header || *header != "let me in") co_return fail(ErrorCode::unauthenticated, "cannot let you in");
    co_return std::string(" by alice");
  };
  router.add("POST", "/guarded", handler, guarded);
  return router;
}

nlohmann::json body_of(const test::RawAnswer& answer) { return nlohmann::json::parse(answer.body); }

}  // namespace

TEST_CASE("every answer carries a request id and the security headers") {
  Served served(hello());
  RawClient client(served.port());
  client.send("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
  const auto answer = client.answer().value();
  CHECK(answer.status == 200);
  CHECK(answer.body == R"({"hello":true})");
  CHECK(answer.header("Content-Type") == "application/json");
  CHECK(answer.header("X-Content-Type-Options") == "nosniff");
  CHECK(answer.header("Cache-Control") == "no-store");
  CHECK(answer.header("X-Request-Id").size() > 8);
  CHECK(answer.header("Date").ends_with(" GMT"));
}

TEST_CASE("the caller's request id is kept when it is harmless") {
  Served served(hello());
  RawClient client(served.port());
  client.send("GET /hello HTTP/1.1\r\nHost: a\r\nX-Request-Id: abc-1.2_3\r\n\r\n");
  CHECK(client.answer().value().header("X-Request-Id") == "abc-1.2_3");
  client.send("GET /hello HTTP/1.1\r\nHost: a\r\nX-Request-Id: <script>\r\n\r\n");
  CHECK(client.answer().value().header("X-Request-Id") != "<script>");
}

TEST_CASE("HEAD is GET without the content") {
  Served served(hello());
  RawClient client(served.port());
  client.send("HEAD /hello HTTP/1.1\r\nHost: a\r\n\r\nGET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
  const auto head = client.answer(true).value();
  CHECK(head.status == 200);
  CHECK(head.header("Content-Length") == "14");
  CHECK(client.answer().value().body == R"({"hello":true})");
}

TEST_CASE("an unknown path is 404 and another method 405 with Allow") {
  auto router = hello();
  router.add("DELETE", "/hello", answers("{}"));
  Served served(std::move(router));
  RawClient client(served.port());
  client.send("GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n");
  const auto missing = client.answer().value();
  CHECK(missing.status == 404);
  CHECK(body_of(missing)["code"] == "not_found");
  CHECK(body_of(missing)["request_id"] == missing.header("X-Request-Id"));
  client.send("PUT /hello HTTP/1.1\r\nHost: a\r\n\r\n");
  const auto refused = client.answer().value();
  CHECK(refused.status == 405);
  CHECK(refused.header("Allow") == "GET, HEAD, DELETE");
  CHECK(body_of(refused)["code"] == "unsupported");
}

TEST_CASE("a broken request is 400 and the connection closed") {
  const struct {
    const char* name;
    const char* bytes;
  } cases[] = {
      {"no HTTP", "hello\r\n\r\n"},
      {"no target", "GET HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"HTTP/3", "GET /hello HTTP/3.0\r\nHost: a\r\n\r\n"},
      {"blank before the colon", "GET /hello HTTP/1.1\r\nHost : a\r\n\r\n"},
      {"control character in a value",
       "GET /hello HTTP/1.1\r\nHost: a\r\nX: a\x01"
       "b\r\n\r\n"},
      {"length that is no number", "POST /hello HTTP/1.1\r\nHost: a\r\nContent-Length: ten\r\n\r\n"},
      {"negative length", "POST /hello HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n"},
      {"two lengths", "POST /hello HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"},
      {"length and chunks",
       "POST /hello HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
  };
  Served served(hello());
  for (const auto& c : cases) {
    CAPTURE(c.name);
    RawClient client(served.port());
    client.send(c.bytes);
    const auto answer = client.answer();
    REQUIRE(answer.has_value());
    CHECK(answer->status == 400);
    CHECK(body_of(*answer)["code"] == "malformed");
    client.finish();
    CHECK(client.closed());
  }
}

TEST_CASE("a request that can be read but not served is 400 and the connection stays") {
  const struct {
    const char* name;
    const char* head;
  } cases[] = {
      {"no Host", "GET /hello HTTP/1.1\r\n\r\n"},
      {"two Hosts", "GET /hello HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"},
      {"dot segment", "GET /x/../hello HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"encoded slash", "GET /x%2fhello HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"NUL", "GET /hello%00 HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"bad escape", "GET /hello%zz HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"asterisk", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"},
  };
  Served served(hello());
  RawClient client(served.port());
  for (const auto& c : cases) {
    CAPTURE(c.name);
    client.send(c.head);
    const auto answer = client.answer();
    REQUIRE(answer.has_value());
    CHECK(answer->status == 400);
  }
}

TEST_CASE("headers over the limit are 431") {
  HttpServerOptions options;
  options.max_header_bytes = 1024;
  Served served(hello(), options);
  RawClient client(served.port());
  client.send("GET /hello HTTP/1.1\r\nHost: a\r\nX: " + std::string(2000, 'x') + "\r\n\r\n");
  const auto answer = client.answer().value();
  CHECK(answer.status == 431);
  CHECK(body_of(answer)["code"] == "too_large");
}

TEST_CASE("slow headers are 408, and a silent connection is closed without a word") {
  HttpServerOptions options;
  options.header_deadline = 50ms;
  Served served(hello(), options);
  RawClient slow(served.port());
  slow.send("GET /hello HTTP/1.1\r\nHo");
  const auto answer = slow.answer().value();
  CHECK(answer.status == 408);
  CHECK(body_of(answer)["code"] == "deadline_exceeded");
  RawClient silent(served.port());
  CHECK(silent.closed());
}

TEST_CASE("a kept connection is closed when it idles too long") {
  HttpServerOptions options;
  options.idle_deadline = 50ms;
  Served served(hello(), options);
  RawClient client(served.port());
  client.send("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(client.answer().value().status == 200);
  CHECK(client.closed());
}

TEST_CASE("a slow body is 408") {
  HttpServerOptions options;
  options.body_deadline = 50ms;
  Served served(echo(), options);
  RawClient client(served.port());
  client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc");
  CHECK(client.answer().value().status == 408);
}

TEST_CASE("a body over the route's limit is 413, whether announced or found out") {
  Served served(echo(8));
  RawClient announced(served.port());
  announced.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n");  // the body is never sent
  CHECK(announced.answer().value().status == 413);
  RawClient chunked(served.port());
  chunked.send(
      "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n5\r\nabcde\r\n0\r\n\r\n");
  CHECK(chunked.answer().value().status == 413);
  RawClient good(served.port());
  good.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\nabcdefgh");
  CHECK(good.answer().value().body == "abcdefgh");
}

TEST_CASE("a stranger is refused before the body is read") {
  Served served(echo());
  RawClient stranger(served.port());
  stranger.send("POST /guarded HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n");  // the body is never sent
  const auto answer = stranger.answer().value();
  CHECK(answer.status == 401);
  CHECK(answer.header("WWW-Authenticate") == "Bearer");
  CHECK(answer.header("Connection") == "close");
  stranger.finish();
  CHECK(stranger.closed());
  RawClient friendly(served.port());
  friendly.send("POST /guarded HTTP/1.1\r\nHost: a\r\nAuthorization: let me in\r\nContent-Length: 2\r\n\r\nhi");
  CHECK(friendly.answer().value().body == "hi by alice");
}

TEST_CASE("100 Continue is said to those who may send a body, and to no one else") {
  Served served(echo());
  RawClient friendly(served.port());
  friendly.send(
      "POST /guarded HTTP/1.1\r\nHost: a\r\nAuthorization: let me in\r\nExpect: 100-continue\r\nContent-Length: "
      "2\r\n\r\n");
  CHECK(friendly.answer().value().status == 100);
  friendly.send("hi");
  CHECK(friendly.answer().value().body == "hi by alice");
  RawClient stranger(served.port());
  stranger.send("POST /guarded HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  CHECK(stranger.answer().value().status == 401);
}

TEST_CASE("pipelined requests are answered in order") {
  Served served(echo());
  RawClient client(served.port());
  std::string requests;
  for (int i = 0; i < 50; ++i)
    requests += "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n" + std::to_string(10 + i);
  client.send(requests);
  for (int i = 0; i < 50; ++i) CHECK(client.answer().value().body == std::to_string(10 + i));
}

TEST_CASE("one connection carries a thousand requests") {
  Served served(hello());
  RawClient client(served.port());
  for (int i = 0; i < 1000; ++i) {
    client.send("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
    REQUIRE(client.answer().value().status == 200);
  }
}

TEST_CASE("HTTP/1.0 and Connection: close end the connection behind the answer") {
  Served served(hello());
  for (const auto* request :
       {"GET /hello HTTP/1.0\r\n\r\n", "GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"}) {
    RawClient client(served.port());
    client.send(request);
    CHECK(client.answer().value().status == 200);
    client.finish();
    CHECK(client.closed());
  }
}

TEST_CASE("what a handler fails with becomes the uniform error body") {
  Router router;
  router.add("GET", "/error", [](const ServerRequest&) -> Task<Result<ServerResponse>> {
    co_return tl::unexpected(Error{ErrorCode::conflict, "cannot deploy: taken", "$.app_name", "reserved_name"});
  });
  router.add("GET", "/throw", [](const ServerRequest&) -> Task<Result<ServerResponse>> {
    throw std::runtime_error("secret detail");
    co_return ServerResponse();
  });
  Served served(std::move(router));
  RawClient client(served.port());
  client.send("GET /error HTTP/1.1\r\nHost: a\r\nX-Request-Id: r1\r\n\r\n");
  const auto error = client.answer().value();
  CHECK(error.status == 409);
  CHECK(body_of(error) == nlohmann::json{{"code", "conflict"},
                                         {"message", "cannot deploy: taken"},
                                         {"path", "$.app_name"},
                                         {"reason", "reserved_name"},
                                         {"request_id", "r1"}});
  client.send("GET /throw HTTP/1.1\r\nHost: a\r\n\r\n");
  const auto thrown = client.answer().value();
  CHECK(thrown.status == 500);
  CHECK(thrown.body.find("secret detail") == std::string::npos);
}

TEST_CASE("a handler cannot end the header section or reframe the answer") {
  Router router;
  router.add("GET", "/evil", [](const ServerRequest&) -> Task<Result<ServerResponse>> {
    auto response = json_response("{}");
    response.headers.add("X-Split", "a\r\n\r\n<html>");
    response.headers.add("Content-Length", "100");
    response.headers.add("X-Good", "yes");
    co_return response;
  });
  Served served(std::move(router));
  RawClient client(served.port());
  client.send("GET /evil HTTP/1.1\r\nHost: a\r\n\r\n");
  const auto answer = client.answer().value();
  CHECK(answer.header("X-Split").empty());
  CHECK(answer.header("X-Good") == "yes");
  CHECK(answer.body == "{}");
}

TEST_CASE("a handler over its deadline is answered for with 504") {
  std::atomic<bool> finished = false;
  Router router;
  RouteOptions options;
  options.handler_deadline = 50ms;
  router.add(
      "GET", "/slow",
      [&finished](const ServerRequest&) -> Task<Result<ServerResponse>> {
        co_await sleep_for(300ms);
        finished = true;
        co_return json_response("{}");
      },
      options);
  Served served(std::move(router));
  RawClient client(served.port());
  client.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
  const auto answer = client.answer().value();
  CHECK(answer.status == 504);
  CHECK_FALSE(finished);
  client.finish();
  CHECK(client.closed());
  served.stop(10s);  // waits for the handler too
  CHECK(finished);
}

TEST_CASE("a handler that wants to know learns when nobody waits for its answer any more") {
  struct Seen {
    std::promise<bool> left;
    static Task<Result<ServerResponse>> wait(Seen& seen, std::stop_token caller_left, std::chrono::milliseconds most) {
      Event gone(co_await this_executor());
      const std::stop_callback telling(caller_left, [&gone] { gone.notify(); });
      if (!caller_left.stop_requested()) co_await gone.wait(most);
      seen.left.set_value(caller_left.stop_requested());
      co_return json_response("{}");
    }
  };
  const struct {
    const char* name;
    std::chrono::milliseconds deadline;
    std::function<void(Served&, std::unique_ptr<RawClient>&)> leave;
  } cases[] = {
      {"it closes", 20s, [](auto&, auto& client) { client.reset(); }},
      {"it sends no more", 20s, [](auto&, auto& client) { client->finish(); }},
      {"the deadline is over", 50ms, [](auto&, auto&) {}},
      {"the server ends", 20s, [](auto& served, auto&) { served.stop(0ms); }},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    Seen seen;
    std::promise<void> begun;
    Router router;
    RouteOptions options;
    options.watch_caller = true;
    options.handler_deadline = c.deadline;
    router.add(
        "GET", "/long",
        [&](const ServerRequest& request) {
          begun.set_value();
          return Seen::wait(seen, request.caller_left, 20s);
        },
        options);
    Served served(std::move(router));
    auto client = std::make_unique<RawClient>(served.port());
    client->send("GET /long HTTP/1.1\r\nHost: a\r\n\r\n");
    begun.get_future().get();
    c.leave(served, client);
    CHECK(seen.left.get_future().get());
  }
}

TEST_CASE("a connection whose caller was watched serves the next request, also one that came ahead") {
  Router router;
  RouteOptions options;
  options.watch_caller = true;
  router.add(
      "GET", "/short",
      [](const ServerRequest& request) -> Task<Result<ServerResponse>> {
        co_await sleep_for(20ms);
        co_return json_response(request.caller_left.stop_requested() ? "gone" : "there");
      },
      options);
  Served served(std::move(router));
  RawClient client(served.port());
  const std::string request = "GET /short HTTP/1.1\r\nHost: a\r\n\r\n";
  for (const auto& sent : {request, request + request, request}) {
    client.send(sent);
    for (std::size_t i = 0; i < sent.size() / request.size(); ++i) CHECK(client.answer().value().body == "there");
  }
}

TEST_CASE("a full server says 503") {
  HttpServerOptions options;
  options.max_connections = 1;
  Served served(hello(), options);
  RawClient first(served.port());
  first.send("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(first.answer().value().status == 200);
  RawClient second(served.port());
  const auto answer = second.answer().value();
  CHECK(answer.status == 503);
  CHECK(body_of(answer)["code"] == "unavailable");
}

TEST_CASE("stop closes idle connections at once and waits for running handlers") {
  std::promise<void> entered;
  std::shared_ptr<Event> release;
  Router router = hello();
  router.add("GET", "/wait", [&](const ServerRequest&) -> Task<Result<ServerResponse>> {
    release = std::make_shared<Event>(co_await this_executor());
    entered.set_value();
    co_await release->wait(10s);
    co_return json_response(R"({"waited":true})");
  });
  Served served(std::move(router));
  RawClient idle(served.port());
  idle.send("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(idle.answer().value().status == 200);
  RawClient busy(served.port());
  busy.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
  entered.get_future().get();

  auto stopped = std::async(std::launch::async, [&] { served.stop(10s); });
  CHECK(idle.closed());
  CHECK(stopped.wait_for(0ms) == std::future_status::timeout);
  served.io.run([&] { release->notify(); });
  const auto answer = busy.answer().value();
  CHECK(answer.body == R"({"waited":true})");
  CHECK(answer.header("Connection") == "close");
  busy.finish();
  stopped.get();
  CHECK_THROWS(RawClient(served.port()));
  served.io.run([&] { release.reset(); });
}

TEST_CASE("an address that cannot be bound is named") {
  Served served(hello());
  HttpServerOptions options;
  options.port = served.port();
  served.io.run([&] {
    HttpServer second(served.io.executor(), hello(), options);
    const auto started = second.start();
    REQUIRE_FALSE(started.has_value());
    CHECK(started.error().code == ErrorCode::unavailable);
    CHECK(started.error().message.find("127.0.0.1:" + std::to_string(options.port)) != std::string::npos);
    options.address = "localhost";
    HttpServer third(served.io.executor(), hello(), options);
    CHECK(third.start().error().code == ErrorCode::invalid_argument);
  });
}
