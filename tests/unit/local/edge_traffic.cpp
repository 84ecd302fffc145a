// Requests through the whole edge: public port, reverse connection, connector, local service, and back. Bytes are written and read raw.
#include <thread>

#include <doctest/doctest.h>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

#include "libdd/core/json.hpp"
#include "libdd/local/connector_link.hpp"
#include "libdd/local/edge_proxy.hpp"
#include "libdd/local/edge_reverse.hpp"
#include "tests/unit/net/io_thread.hpp"
#include "tests/unit/net/raw_client.hpp"
#include "tests/unit/net/scripted_server.hpp"

using namespace dd;
using namespace dd::local;

namespace {

const std::string kOk = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

std::string get(const std::string& host, const std::string& more = {}) {
  return "GET /path?query HTTP/1.1\r\nHost: " + host + "\r\n" + more + "\r\n";
}

/// An edge with one tunnel: web.dd.example goes to a service of the test, down.dd.example to nobody, bare.dd.example to no rule.
struct Traffic {
  test::ScriptedServer service;
  test::IoThread io;
  EdgeState state{"account", {"zone", "other-zone"}};
  std::unique_ptr<EdgeReverse> reverse;
  std::unique_ptr<EdgeProxy> proxy;
  std::unique_ptr<ConnectorLink> link;
  std::string tunnel_id;

  explicit Traffic(std::vector<std::string> answers = {kOk},
                   test::ScriptedServer::After after = test::ScriptedServer::After::close)
      : service(std::move(answers), after) {
    io.run([this] {
      reverse = std::make_unique<EdgeReverse>(io.executor(), state);
      proxy = std::make_unique<EdgeProxy>(io.executor(), state, *reverse);
      if (!reverse->start(0) || !proxy->start(0)) throw std::runtime_error("cannot start the edge");
      state.set_reverse_endpoint("127.0.0.1:" + std::to_string(reverse->port()));
      auto& tunnel = state.add_tunnel("dd-test-agent-1");
      tunnel_id = tunnel.id;
      const auto local = "http://localhost:" + std::to_string(service.port());
      tunnel.config = {{"ingress",
                        {{{"hostname", "web.dd.example"}, {"service", local}},
                         {{"hostname", "down.dd.example"}, {"service", "http://localhost:1"}},
                         {{"service", "http_status:404"}}}}};
      for (const std::string host : {"web.dd.example", "down.dd.example", "bare.dd.example"}) {
        EdgeRecord record;
        record.type = "CNAME";
        record.name = host;
        record.content = tunnel_id + ".cfargotunnel.com";
        state.add_record(std::move(record));
      }
    });
  }
  Traffic(const Traffic&) = delete;
  Traffic& operator=(const Traffic&) = delete;
  ~Traffic() {
    io.run([this] {
      link.reset();
      proxy.reset();
      reverse.reset();
    });
    io.join();
  }
  void connect() { connect_with(parse_run_token(state.run_token(*state.find_tunnel(tunnel_id))).value()); }
  void connect_with(const RunToken& token) {
    io.run([&] {
      link = std::make_unique<ConnectorLink>(io.executor(), token);
      link->start();
    });
  }
  /// The first answer to these bytes on a connection of their own; without one, status 0.
  test::RawAnswer ask(const std::string& bytes, bool head_only = false) {
    test::RawClient client(proxy->port());
    client.send(bytes);
    return client.answer(head_only).value_or(test::RawAnswer());
  }
  /// The head of the last request that the service saw.
  [[nodiscard]] test::RawAnswer seen() const {
    test::RawAnswer request;
    request.head = service.seen().back().head;
    request.body = service.seen().back().body;
    return request;
  }
  int ready_connections() {
    int ready = 0;
    io.run([&] { ready = link->ready_connections(); });
    return ready;
  }
  std::int64_t version() {
    std::int64_t version = 0;
    io.run([&] { version = link->config().at("version").get<std::int64_t>(); });
    return version;
  }
  /// Sends the tunnel another configuration, in which web.dd.example leads nowhere.
  void move_away(std::chrono::milliseconds apply_late) {
    io.run([&] {
      state.apply_late = apply_late;
      auto& tunnel = *state.find_tunnel(tunnel_id);
      tunnel.config = {{"ingress", {{{"service", "http_status:404"}}}}};
      ++tunnel.version;
      net::spawn(io.executor(), reverse->publish(tunnel_id, std::chrono::milliseconds(0)), "configuration");
    });
  }
  [[nodiscard]] std::size_t connectors() {
    std::size_t count = 0;
    io.run([&] { count = reverse->connectors(tunnel_id); });
    return count;
  }
};

/// With a connector that is ready.
struct Connected : Traffic {
  explicit Connected(std::vector<std::string> answers = {kOk},
                     test::ScriptedServer::After after = test::ScriptedServer::After::close)
      : Traffic(std::move(answers), after) {
    connect();
    while (ready_connections() == 0) std::this_thread::yield();
  }
};

}  // namespace

TEST_CASE("a request reaches the service of its host, and the answer comes back") {
  Connected f;
  const auto answer = f.ask(get("web.dd.example:8080", "X-Own: 1\r\n"));
  CHECK(answer.status == 200);
  CHECK(answer.body == "hello");
  CHECK_FALSE(answer.header("CF-Ray").empty());
  CHECK(f.seen().head.starts_with("GET /path?query HTTP/1.1\r\n"));
  CHECK(f.seen().header("Host") == "web.dd.example:8080");
  CHECK(f.seen().header("X-Own") == "1");
}

TEST_CASE("a rule with a name leads to ::1 first, as with Go's dialer; one with an address only there") {
  Traffic f;
  boost::asio::io_context io;
  boost::asio::ip::tcp::acceptor other(io, {boost::asio::ip::address_v6::loopback(), f.service.port()});
  f.connect();
  while (f.ready_connections() == 0) std::this_thread::yield();
  {
    std::jthread stranger([&] {
      auto caller = other.accept();
      boost::system::error_code ended;
      std::string request;  // read whole: to close before would be to break off
      boost::asio::read_until(caller, boost::asio::dynamic_buffer(request), "\r\n\r\n", ended);
      boost::asio::write(
          caller, boost::asio::buffer(std::string("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nstranger")), ended);
    });
    CHECK(f.ask(get("web.dd.example")).body == "stranger");
    boost::asio::ip::tcp::socket nobody(io);  // so that it ends in any case
    nobody.connect(other.local_endpoint());
  }
  const auto first = f.version();
  f.io.run([&] {
    auto& tunnel = *f.state.find_tunnel(f.tunnel_id);
    tunnel.config["ingress"][0]["service"] = "http://127.0.0.1:" + std::to_string(f.service.port());
    ++tunnel.version;
    net::spawn(f.io.executor(), f.reverse->publish(f.tunnel_id, std::chrono::milliseconds(0)), "configuration");
  });
  while (f.version() == first) std::this_thread::yield();
  CHECK(f.ask(get("web.dd.example")).body == "hello");
}

TEST_CASE("a connector says which configuration it runs, and can be told to run a new one late") {
  Connected f;
  const auto first = f.version();
  CHECK(f.ask(get("web.dd.example")).status == 200);
  f.move_away(std::chrono::hours(1));
  CHECK(f.ask(get("web.dd.example")).status == 200);
  CHECK(f.version() == first);
  f.move_away(std::chrono::milliseconds(50));
  while (f.version() == first) std::this_thread::yield();
  CHECK(f.version() == first + 2);
  CHECK(f.ask(get("web.dd.example")).status == 404);
}  // what was told to wait for an hour does not, when it is stopped

TEST_CASE("what is published as the edge goes needs it no more") {
  Connected f;
  f.io.run([&] {
    // Made before, started after.
    auto task = f.reverse->publish(f.tunnel_id, std::chrono::hours(1));
    auto taking = f.reverse->take(f.tunnel_id);
    f.proxy.reset();
    f.reverse.reset();
    net::spawn(f.io.executor(), std::move(task), "configuration");
    auto take = [](net::Task<EdgeReverse::Socket> waited) -> net::Task<void> { co_await std::move(waited); };
    net::spawn(f.io.executor(), take(std::move(taking)), "request");
  });
}

TEST_CASE("what a client says of its own address is not believed") {
  Connected f;
  f.ask(get("web.dd.example",
            "X-Forwarded-For: 10.0.0.1\r\nCF-Connecting-IP: 10.0.0.1\r\nX-Forwarded-Proto: https\r\nCF-Ray: mine\r\n"));
  CHECK(f.seen().header("X-Forwarded-For") == "127.0.0.1");
  CHECK(f.seen().header("CF-Connecting-IP") == "127.0.0.1");
  CHECK(f.seen().header("X-Forwarded-Proto") == "http");
  CHECK(f.seen().header("CF-Ray") != "mine");
  CHECK(f.seen().head.find("10.0.0.1") == std::string::npos);
}

TEST_CASE("a host that leads nowhere is answered by the edge as Cloudflare would") {
  Connected f;
  CHECK(f.ask(get("nobody.dd.example")).status == 404);
  CHECK(f.ask("GET / HTTP/1.0\r\n\r\n").status == 404);
  CHECK(f.ask(get("bare.dd.example")).status == 404);  // the connector's catch-all
  CHECK(f.ask(get("down.dd.example")).status == 502);
  f.io.run([&] { f.state.delete_tunnel(*f.state.find_tunnel(f.tunnel_id)); });
  CHECK(f.ask(get("web.dd.example")).status == 530);
  CHECK(f.service.seen().empty());
}

TEST_CASE("without a connector a tunnel's host is 530 at once") {
  Traffic f;
  const auto answer = f.ask(get("web.dd.example"));
  CHECK(answer.status == 530);
  CHECK(answer.body == "error code: 1033\n");
}

TEST_CASE("a connector without the tunnel's secret is never one") {
  Traffic f;
  auto token = parse_run_token(f.state.run_token(*f.state.find_tunnel(f.tunnel_id))).value();
  token.secret = "AAAA";
  f.connect_with(token);
  CHECK(f.ask(get("web.dd.example")).status == 530);
  test::RawClient raw(f.reverse->port());
  raw.send(R"({"kind":"control","account":"account","tunnel":")" + f.tunnel_id +
           R"(","secret":"","connector_id":"x"})" + "\n");
  CHECK_FALSE(raw.closed());  // it is told why before it is closed
  CHECK(f.connectors() == 0);
}

TEST_CASE("a dialler that speaks something else is closed") {
  Traffic f;
  for (const std::string hello : {"GET / HTTP/1.1\r\n\r\n", "{}\n", "[]\n", "\n", "{\"kind\":7}\n"}) {
    CAPTURE(hello);
    test::RawClient raw(f.reverse->port());
    raw.send(hello);
    CHECK_FALSE(raw.closed());
  }
  test::RawClient raw(f.reverse->port());
  raw.send(std::string(8192, 'x'));
  CHECK(raw.closed());
  CHECK(f.connectors() == 0);
}

TEST_CASE("a tunnel that is cut loses what it carries, and its connector dials in again") {
  Connected f({"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"},
              test::ScriptedServer::After::keep_open);
  const auto upgrade = get("web.dd.example", "Connection: Upgrade\r\nUpgrade: websocket\r\n");
  test::RawClient client(f.proxy->port());
  client.send(upgrade);
  REQUIRE(client.answer().value().status == 101);
  f.io.run([&] { f.reverse->cut(f.tunnel_id); });
  CHECK(client.closed());
  int status = 530;
  while (status == 530) status = f.ask(upgrade).status;
  CHECK(status == 101);
}

TEST_CASE("connections that are busy count as ready too") {
  Connected f({"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"},
              test::ScriptedServer::After::keep_open);
  const auto has = [&f](int count) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (f.ready_connections() != count && std::chrono::steady_clock::now() < until) std::this_thread::yield();
    return f.ready_connections() == count;
  };
  CHECK(has(8));
  test::RawClient client(f.proxy->port());
  client.send(get("web.dd.example", "Connection: Upgrade\r\nUpgrade: websocket\r\n"));
  REQUIRE(client.answer().value().status == 101);
  CHECK(has(9));
}

TEST_CASE("a new ingress is in force when publish() returns") {
  Connected f;
  f.io.run([&] {
    auto& tunnel = *f.state.find_tunnel(f.tunnel_id);
    tunnel.config["ingress"].erase(0);
    ++tunnel.version;
  });
  f.io.await([&]() -> net::Task<bool> {
    const std::chrono::milliseconds patience(20'000);
    co_await f.reverse->publish(f.tunnel_id, patience);
    co_return true;
  });
  CHECK(f.ask(get("web.dd.example")).status == 404);
}

TEST_CASE("one connection carries request after request, also to different hosts") {
  Connected f;
  test::RawClient client(f.proxy->port());
  for (int i = 0; i < 20; ++i) {
    client.send(get("web.dd.example"));
    REQUIRE(client.answer().value().status == 200);
  }
  CHECK(f.service.connections() == 20);  // each in a reverse connection of its own
  client.send(get("down.dd.example"));
  CHECK(client.answer().value().status == 502);
}

TEST_CASE("a body goes through whole") {
  Connected f;
  const std::string body(100'000, 'b');
  const auto head =
      "POST / HTTP/1.1\r\nHost: web.dd.example\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n";
  CHECK(f.ask(head + body).status == 200);
  CHECK(f.seen().body == body);
}

TEST_CASE("a request whose length is told twice or in two ways reaches no service") {
  Connected f;
  const std::string smuggled[] = {
      "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /admin HTTP/1.1\r\n\r\n",
      "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
      "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
      "Content-Length: -1\r\n\r\n",
      "Content-Length: 5x\r\n\r\nhello",
  };
  for (const auto& rest : smuggled) {
    CAPTURE(rest);
    CHECK(f.ask("POST / HTTP/1.1\r\nHost: web.dd.example\r\n" + rest).status != 200);
  }
  CHECK(f.service.seen().empty());
}

TEST_CASE("a header that is too long, or no HTTP at all, ends the connection") {
  Connected f;
  CHECK(f.ask(get("web.dd.example", "X-Long: " + std::string(70'000, 'x') + "\r\n")).status == 0);
  CHECK(f.ask("\x16\x03\x01\x02\r\n\r\n").status == 0);
  CHECK(f.service.seen().empty());
}

TEST_CASE("an answer to HEAD, and one that may have no body, ends with its header") {
  {
    Connected f({"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"});
    const auto answer = f.ask("HEAD / HTTP/1.1\r\nHost: web.dd.example\r\n\r\n", true);
    CHECK(answer.status == 200);
    CHECK(answer.header("Content-Length") == "5");
  }
  for (const std::string status : {"204 No Content", "304 Not Modified"}) {
    CAPTURE(status);
    Connected f({"HTTP/1.1 " + status + "\r\n\r\n"});
    CHECK(f.ask(get("web.dd.example")).status == std::stoi(status));
  }
}

TEST_CASE("an answer that ends with its connection ends the client's connection too") {
  Connected f({"HTTP/1.1 200 OK\r\n\r\nuntil the end"});
  test::RawClient client(f.proxy->port());
  client.send(get("web.dd.example"));
  CHECK(client.answer().value().status == 200);
  CHECK_FALSE(client.closed());  // what was left is the body
}

TEST_CASE("a service that breaks off before its answer is a 502") {
  for (const std::string answer : {"", "HTTP/1.1 ", "no HTTP\r\n\r\n"}) {
    CAPTURE(answer);
    Connected f({answer});
    CHECK(f.ask(get("web.dd.example")).status == 502);
  }
}

TEST_CASE("a client that asks first is told to go on, and the service hears nothing of it") {
  Connected f;
  test::RawClient client(f.proxy->port());
  client.send("POST / HTTP/1.1\r\nHost: web.dd.example\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
  CHECK(client.answer().value().status == 100);
  client.send("body");
  CHECK(client.answer().value().status == 200);
  CHECK(f.seen().header("Expect").empty());
  CHECK(f.seen().body == "body");
}

TEST_CASE("a connection that is upgraded carries bytes both ways until one side ends") {
  // What follows the switch is the service's own; an HTTP head is only easy to read back.
  const std::string words = "HTTP/1.1 299 Words\r\nContent-Length: 0\r\n\r\n";
  Connected f({"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n" + words},
              test::ScriptedServer::After::keep_open);
  test::RawClient client(f.proxy->port());
  client.send(get("web.dd.example", "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"));
  const auto answer = client.answer().value();
  CHECK(answer.status == 101);
  CHECK(answer.header("Upgrade") == "websocket");
  CHECK(client.answer().value().status == 299);
  CHECK(f.seen().header("Connection") == "keep-alive, Upgrade");
  CHECK(f.seen().header("Upgrade") == "websocket");
  client.send("FRAME\r\nContent-Length: 6\r\n\r\nframes");
  CHECK(client.answer().value().status == 101);
  CHECK(client.answer().value().status == 299);
  CHECK(f.seen().body == "frames");
  client.finish();
  CHECK(client.closed());
}
