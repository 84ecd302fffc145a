#include "libdd/net/http_client.hpp"

#include <fstream>
#include <future>

#include "libdd/net/blocking.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/net/scripted_server.hpp"
#include "tests/unit/net/served.hpp"
#include "tests/unit/net/tls_server.hpp"

#include <doctest/doctest.h>

using namespace dd;
using namespace dd::net;
using namespace std::chrono_literals;
using dd::test::ScriptedServer;

namespace {

HttpRequest get(std::string url) {
  HttpRequest request;
  request.url = std::move(url);
  return request;
}

Result<HttpResponse> fetch(HttpRequest request, HttpClientOptions options = {}) {
  const auto transport = make_http_transport(std::move(options));
  return send_blocking(*transport, std::move(request));
}

std::string ok(const std::string& body) {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}
std::string redirect(int status, const std::string& location) {
  return "HTTP/1.1 " + std::to_string(status) + " Moved\r\nLocation: " + location +
         "\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
}

}  // namespace

TEST_CASE("our client and our server understand each other") {
  Router router;
  router.add("POST", "/echo/{name}", [](const ServerRequest& request) -> Task<Result<ServerResponse>> {
    auto response = json_response(request.params[0] + request.query_value("q").value_or("") + request.body, 201);
    response.headers.add("X-Kind", *request.headers.find("x-kind"));
    co_return response;
  });
  test::Served served(std::move(router));
  auto request = get("http://127.0.0.1:" + std::to_string(served.port()) + "/echo/a%20b?q=%26");
  request.method = "POST";
  request.headers.set("X-Kind", "test");
  request.headers.set("Content-Type", "application/json");
  request.body = "{}";
  const auto response = fetch(request).value();
  CHECK(response.status == 201);
  CHECK(response.body == "a b&{}");
  CHECK(*response.headers.find("x-kind") == "test");
}

TEST_CASE("a refusal of ours comes back as the error it was") {
  Router router;
  router.add("GET", "/", [](const ServerRequest&) -> Task<Result<ServerResponse>> {
    co_return tl::unexpected(Error{ErrorCode::conflict, "cannot deploy: taken", "$.app_name", "reserved_name"});
  });
  Error later{ErrorCode::unavailable, "cannot check token: GitHub limits our requests"};
  later.retry_after = std::chrono::seconds(90);
  router.add("GET", "/later",
             [later](const ServerRequest&) -> Task<Result<ServerResponse>> { co_return tl::unexpected(later); });
  test::Served served(std::move(router));
  const auto origin = "http://127.0.0.1:" + std::to_string(served.port());
  const auto response = fetch(get(origin)).value();
  CHECK(response.status == 409);
  CHECK(response.headers.find("Retry-After") == nullptr);
  CHECK(error_from(response) == Error{ErrorCode::conflict, "cannot deploy: taken", "$.app_name", "reserved_name"});
  const auto limited = fetch(get(origin + "/later")).value();
  CHECK(limited.status == 503);
  CHECK(*limited.headers.find("Retry-After") == "90");
  CHECK(error_from(limited) == later);
}

TEST_CASE("somebody else's refusal is an upstream error with the first bytes on one line") {
  for (const auto* body : {"<html>\nBad gateway", R"({"code":10000,"message":"Authentication error"})",
                           R"({"code":"weird","message":"x"})", "[]", ""}) {
    CAPTURE(body);
    const HttpResponse response{502, {}, body};
    const auto error = error_from(response);
    CHECK(error.code == ErrorCode::upstream);
    CHECK(error.message.starts_with("cannot use answer: status 502"));
    CHECK(error.message.find('\n') == std::string::npos);
  }
}

TEST_CASE("connections are kept for the next request") {
  ScriptedServer server({ok("hi")}, ScriptedServer::After::keep_open);
  const auto transport = make_http_transport({});
  for (int i = 0; i < 20; ++i) CHECK(send_blocking(*transport, get(server.url())).value().body == "hi");
  CHECK(server.connections() < 20);  // one goes back to the pool a moment after its answer
}

TEST_CASE("redirects are followed only when asked for") {
  ScriptedServer server({redirect(302, "/next"), ok("arrived")});
  auto request = get(server.url("/first"));
  CHECK(fetch(request).value().status == 302);
  ScriptedServer again({redirect(302, "/next"), ok("arrived")});
  request.url = again.url("/first");
  request.max_redirects = 3;
  request.headers.set("Authorization", "Bearer secret");
  CHECK(fetch(request).value().body == "arrived");
  REQUIRE(again.seen().size() == 2);
  CHECK(again.seen()[1].head.starts_with("GET /next "));
  CHECK(again.seen()[1].head.find("Bearer secret") != std::string::npos);  // the same origin
}

TEST_CASE("a redirect to another origin carries nothing that says who we are") {
  ScriptedServer other({ok("elsewhere")});
  ScriptedServer first({redirect(307, other.url("/taken"))});
  auto request = get(first.url());
  request.max_redirects = 3;
  for (const auto* name : {"Authorization", "Cookie", "X-Api-Key", "DD-Call"}) request.headers.set(name, "secret");
  request.headers.set("Accept", "text/plain");
  CHECK(fetch(request).value().body == "elsewhere");
  REQUIRE(other.seen().size() == 1);
  CHECK(other.seen()[0].head.find("secret") == std::string::npos);
  CHECK(other.seen()[0].head.find("text/plain") != std::string::npos);
}

TEST_CASE("a redirect loop ends, and its last answer is handed over") {
  ScriptedServer server({redirect(302, "/again")});
  auto request = get(server.url());
  request.max_redirects = 3;
  CHECK(fetch(request).value().status == 302);
  CHECK(server.seen().size() == 4);
}

TEST_CASE("303 turns a POST into a GET without its body") {
  ScriptedServer server({redirect(303, "/result"), ok("done")});
  auto request = get(server.url());
  request.method = "POST";
  request.body = "payload";
  request.max_redirects = 1;
  CHECK(fetch(request).value().body == "done");
  CHECK(server.seen()[0].body == "payload");
  CHECK(server.seen()[1].head.starts_with("GET /result "));
  CHECK(server.seen()[1].body.empty());
}

TEST_CASE("an answer over the limit is too_large, however it is framed") {
  const std::string body(5000, 'x');
  const std::string chunk = "1388\r\n" + body + "\r\n";
  const struct {
    const char* name;
    std::string answer;
  } cases[] = {
      {"announced", "HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n"},  // the body is never sent
      {"chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk + "0\r\n\r\n"},
      {"endless chunks",
       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3E8\r\n" + std::string(1000, 'x') + "\r\n" + chunk},
      {"until close", "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + body},
      {"negative chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\nabcdefgh\r\n0\r\n\r\n"},
      {"negative chunk later", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\n" + std::string(100, 'x') +
                                   "\r\n-1\r\nabcdefgh\r\n0\r\n\r\n"},
  };
  for (const auto& c : cases) {
    CAPTURE(std::string(c.name));
    ScriptedServer server({c.answer}, std::string_view(c.name) == "until close" ? ScriptedServer::After::close
                                                                                : ScriptedServer::After::keep_open);
    auto request = get(server.url());
    request.max_response_bytes = 4999;
    const auto response = fetch(request);
    REQUIRE_FALSE(response.has_value());
    CHECK(response.error().code == ErrorCode::too_large);
  }
}

TEST_CASE("an answer at the limit is taken") {
  ScriptedServer server({ok(std::string(5000, 'x'))});
  auto request = get(server.url());
  request.max_response_bytes = 5000;
  CHECK(fetch(request).value().body.size() == 5000);
}

TEST_CASE("a broken answer is unavailable") {
  const struct {
    const char* name;
    const char* answer;
  } cases[] = {
      {"nothing", ""},
      {"no HTTP", "hello\r\n\r\n"},
      {"half a head", "HTTP/1.1 200 OK\r\nContent-Le"},
      {"truncated body", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"},
      {"broken chunk size", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n"},
      {"truncated chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\nabc"},
      {"missing last chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"},
  };
  for (const auto& c : cases) {
    CAPTURE(std::string(c.name));
    ScriptedServer server({c.answer});
    const auto response = fetch(get(server.url()));
    REQUIRE_FALSE(response.has_value());
    CHECK(response.error().code == ErrorCode::unavailable);
    CHECK(response.error().message.starts_with("cannot reach http://127.0.0.1:"));
  }
}

TEST_CASE("the deadline is for the whole exchange, drips included") {
  for (const auto* answer : {"", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"}) {
    CAPTURE(answer);
    ScriptedServer server({answer}, ScriptedServer::After::keep_open);
    auto request = get(server.url());
    request.deadline = 100ms;
    const auto response = fetch(request);
    REQUIRE_FALSE(response.has_value());
    CHECK(response.error().code == ErrorCode::deadline_exceeded);
  }
}

TEST_CASE("nobody there is unavailable, and a URL that is none is invalid_argument") {
  std::uint16_t free_port = 0;
  {
    ScriptedServer server({""});
    free_port = server.port();
  }
  CHECK(fetch(get("http://127.0.0.1:" + std::to_string(free_port))).error().code == ErrorCode::unavailable);
  for (const auto* url : {"", "ftp://x", "http://user:pw@127.0.0.1/"})
    CHECK(fetch(get(url)).error().code == ErrorCode::invalid_argument);
  ScriptedServer server({ok("")});
  auto split = get(server.url());
  split.headers.set("X-Evil", "a\r\nX-Injected: b");
  CHECK(fetch(split).error().code == ErrorCode::invalid_argument);
  CHECK(server.seen().empty());
}

TEST_CASE("with an edge the connection goes there and the Host stays") {
  ScriptedServer edge({ok("from the edge")});
  HttpClientOptions options;
  options.edge_url = edge.url();
  options.edge_domain = "dd.localhost";
  CHECK(fetch(get("http://app.agent.dd.localhost:7000/x"), options).value().body == "from the edge");
  CHECK(fetch(get("https://dd.localhost/y"), options).value().body == "from the edge");
  REQUIRE(edge.seen().size() == 2);
  CHECK(edge.seen()[0].head.find("\r\nHost:app.agent.dd.localhost:7000\r\n") != std::string::npos);
  CHECK(edge.seen()[1].head.find("\r\nHost:dd.localhost\r\n") != std::string::npos);
  ScriptedServer direct({ok("direct")});
  CHECK(fetch(get(direct.url()), options).value().body == "direct");
  options.edge_domain.clear();
  CHECK(fetch(get(direct.url()), options).value().body == "direct");  // loopback addresses never take the edge
  CHECK(fetch(get("http://anything.example"), options).value().body == "from the edge");
}

TEST_CASE("TLS trusts the given authority, for the host it names, and no other") {
  TempDir dir;
  test::TlsServer server("localhost");
  server.write_authority(dir.path() / "ca.pem");
  test::TlsServer stranger("localhost");
  test::TlsServer other_name("example.com");
  other_name.write_authority(dir.path() / "other.pem");
  HttpClientOptions options;
  options.ca_file = dir.path() / "ca.pem";
  const auto url = [](const test::TlsServer& s) { return "https://localhost:" + std::to_string(s.port()) + "/"; };
  CHECK(fetch(get(url(server)), options).value().body == "secure");
  CHECK(fetch(get(url(stranger)), options).error().code == ErrorCode::unavailable);
  CHECK(fetch(get(url(server))).error().code == ErrorCode::unavailable);  // the system's store does not know it
  options.ca_file = dir.path() / "other.pem";
  CHECK(fetch(get(url(other_name)), options).error().code == ErrorCode::unavailable);
}

TEST_CASE("an unreadable authority file is an error and not the system's store") {
  TempDir dir;
  ScriptedServer server({ok("")});
  HttpClientOptions options;
  options.ca_file = dir.path() / "missing.pem";
  CHECK(fetch(get(server.url()), options).error().code == ErrorCode::invalid_argument);
  std::ofstream(dir.path() / "empty.pem") << "nothing";
  options.ca_file = dir.path() / "empty.pem";
  CHECK(fetch(get(server.url()), options).error().code == ErrorCode::invalid_argument);
}

TEST_CASE("a coroutine sends and resumes on its own thread") {
  ScriptedServer server({ok("hi")});
  const auto transport = make_http_transport({});
  const auto caller = std::this_thread::get_id();
  const auto response = run_blocking([&]() -> Task<Result<HttpResponse>> {
    auto request = get(server.url());
    auto outcome = co_await send(*transport, std::move(request));
    CHECK(std::this_thread::get_id() == caller);
    co_return outcome;
  });
  CHECK(response.value().body == "hi");
}

TEST_CASE("an io_context may go while an answer is on its way") {
  struct Withheld final : HttpTransport {
    void send(HttpRequest, Done done) override { asked.set_value(std::move(done)); }
    std::promise<Done> asked;
  } transport;
  HttpTransport::Done late;
  {
    test::IoThread io;
    const auto waiting = [](HttpTransport& through) -> Task<void> {
      HttpRequest request;
      co_await send(through, std::move(request));
    };
    io.run([&] { spawn(io.executor(), waiting(transport), "request"); });
    late = transport.asked.get_future().get();
  }
  HttpResponse response;
  late(std::move(response));  // nobody waits any more, and nothing that has gone is touched
}

TEST_CASE("many requests at once are all answered") {
  Router router;
  router.add("GET", "/", test::answers("{}"));
  test::Served served(std::move(router));
  const auto transport = make_http_transport({});
  std::vector<std::future<Result<HttpResponse>>> answers;
  for (int i = 0; i < 200; ++i) {
    auto done = std::make_shared<std::promise<Result<HttpResponse>>>();
    answers.push_back(done->get_future());
    transport->send(get("http://127.0.0.1:" + std::to_string(served.port())),
                    [done](Result<HttpResponse> outcome) { done->set_value(std::move(outcome)); });
  }
  for (auto& answer : answers) CHECK(answer.get().value().status == 200);
}

TEST_CASE("a sink takes the content of a 200 piece by piece, and nothing else") {
  const std::string content(3'000'000, 'x');
  Router router;
  router.add("GET", "/asset",
             [&content](const ServerRequest&) -> Task<Result<ServerResponse>> { co_return json_response(content); });
  router.add("GET", "/moved", [](const ServerRequest&) -> Task<Result<ServerResponse>> {
    auto response = json_response("not the asset", 302);
    response.headers.add("Location", "/asset");
    co_return response;
  });
  test::Served served(std::move(router));
  std::string taken;
  std::size_t pieces = 0;
  const auto ask = [&](const std::string& path) {
    taken.clear();
    auto request = get("http://127.0.0.1:" + std::to_string(served.port()) + path);
    request.max_response_bytes = content.size();
    request.max_redirects = 1;
    request.sink = [&](std::string_view piece) {
      taken += piece;
      ++pieces;
      return true;
    };
    return fetch(std::move(request)).value();
  };
  CHECK(ask("/asset").body.empty());
  CHECK(taken == content);
  CHECK(pieces > 1);
  CHECK(ask("/moved").status == 200);
  CHECK(taken == content);
  const auto missing = ask("/nothing");
  CHECK(missing.status == 404);
  CHECK(missing.body.find("not_found") != std::string::npos);
  CHECK(taken.empty());
}

TEST_CASE("a sink that wants no more ends the request, and so does content over the limit") {
  const std::string content(1'000'000, 'x');
  Router router;
  router.add("GET", "/asset",
             [&content](const ServerRequest&) -> Task<Result<ServerResponse>> { co_return json_response(content); });
  router.add("GET", "/error", [&content](const ServerRequest&) -> Task<Result<ServerResponse>> {
    co_return json_response(content, 500);
  });
  test::Served served(std::move(router));
  const struct {
    const char* path;
    std::size_t limit;
    bool wanted;
    ErrorCode code;
  } cases[] = {
      {"/asset", content.size(), false, ErrorCode::unavailable},
      {"/asset", content.size() - 1, true, ErrorCode::too_large},
      {"/error", content.size(), true, ErrorCode::too_large},  // no error is as long as an asset
  };
  for (const auto& c : cases) {
    CAPTURE(c.path);
    auto request = get("http://127.0.0.1:" + std::to_string(served.port()) + c.path);
    request.max_response_bytes = c.limit;
    request.sink = [&c](std::string_view) { return c.wanted; };
    const auto response = fetch(std::move(request));
    REQUIRE_FALSE(response.has_value());
    CHECK(to_string(response.error().code) == to_string(c.code));
  }
}
