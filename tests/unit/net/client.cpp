#include "libdd/net/client.hpp"

#include <memory>
#include <string_view>
#include <utility>

#include <doctest/doctest.h>

#include <boost/asio/io_context.hpp>

#include "libdd/net/shares.hpp"
#include "tests/support/other_uid.hpp"
#include "tests/unit/net/raw_client.hpp"
#include "tests/unit/net/served.hpp"

using namespace dd;
using namespace dd::net;
using boost::asio::ip::tcp;
using dd::test::RawClient;
using dd::test::Served;

namespace {

constexpr uid_t kStranger = 54'321;

/// A connection over loopback as its listener has it, and the other end.
struct Pair {
  explicit Pair(const boost::asio::ip::address& address) : acceptor(io, {address, 0}), theirs(io), ours(io) {
    theirs.connect(acceptor.local_endpoint());
    acceptor.accept(ours);
  }
  boost::asio::io_context io;
  tcp::acceptor acceptor;
  tcp::socket theirs;
  tcp::socket ours;
};

std::unique_ptr<RawClient> connected_as(uid_t uid, std::uint16_t port) {
  const test::AsUid as(uid);
  return std::make_unique<RawClient>(port);
}

std::string request_for(const std::string& path, const std::string& headers = {}) {
  return "GET " + path + " HTTP/1.1\r\nHost: a\r\n" + headers + "\r\n";
}

/// Answers who asked.
Router who() {
  Router router;
  router.add("GET", "/who", [](const ServerRequest& request) -> Task<Result<ServerResponse>> {
    co_return json_response(request.client);
  });
  router.add("POST", "/public", test::answers("{}"));
  RouteOptions known;
  known.authenticate = [](const ServerRequest&) -> Task<Result<std::string>> { co_return std::string("owner"); };
  router.add("POST", "/known", test::answers("{}"), std::move(known));
  return router;
}

std::string post(const std::string& path, const std::string& client) {
  return "POST " + path + " HTTP/1.1\r\nHost: a\r\nCF-Connecting-IP: " + client +
         "\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n";
}

/// Waits until the server reads the body.
bool goes_on(RawClient& connection) {
  constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
  return connection.take(kContinue.size()) == kContinue;
}

}  // namespace

TEST_CASE("a client is who the edge says it is, if that is an address and the connector says it") {
  const auto client = [](TcpPeer::Seen seen, std::initializer_list<const char*> values) {
    HttpHeaders headers;
    for (const auto* value : values) headers.add("CF-Connecting-IP", value);
    return client_of({seen, 7, "127.0.0.1"}, headers);
  };
  for (const auto seen : {TcpPeer::Seen::ours, TcpPeer::Seen::elsewhere}) {
    CHECK(client(seen, {"203.0.113.9"}) == "203.0.113.9");
    CHECK(client(seen, {"::ffff:203.0.113.9"}) == "203.0.113.9");
    CHECK(client(seen, {"2001:db8:1:2:3:4:5:6"}) == "2001:db8:1:2::/64");
    CHECK(client(seen, {"2001:db8:1:2::7"}) == "2001:db8:1:2::/64");
    CHECK(client(seen, {"2001:db8:1:3::7"}) == "2001:db8:1:3::/64");
    CHECK(client(seen, {}) == "127.0.0.1");
    CHECK(client(seen, {"203.0.113.9", "203.0.113.10"}) == "127.0.0.1");
    CHECK(client(seen, {"203.0.113.9, 10.0.0.1"}) == "127.0.0.1");
    CHECK(client(seen, {"somebody"}) == "127.0.0.1");
  }
  CHECK(client(TcpPeer::Seen::other, {"203.0.113.9"}) == "uid 7");
  CHECK(client(TcpPeer::Seen::gone, {"203.0.113.9"}) == "gone");
}

TEST_CASE("the kernel says who is at the other end") {
  for (const char* address : {"127.0.0.1", "::1"}) {
    CAPTURE(address);
    Pair pair(boost::asio::ip::make_address(address));
    const auto peer = peer_of(pair.ours);
    REQUIRE(peer.seen == TcpPeer::Seen::ours);
    CHECK(peer.uid == geteuid());
    CHECK(peer.address == address);
    CHECK_FALSE(share_of(peer).has_value());
    pair.theirs.close();
    CHECK(peer_of(pair.ours).seen == TcpPeer::Seen::gone);
  }
}

TEST_CASE("a process of another uid is nobody's voice but its own") {
  if (geteuid() != 0) return;
  Served served(who());
  const auto stranger = connected_as(kStranger, served.port());
  stranger->send(request_for("/who", "CF-Connecting-IP: 203.0.113.9\r\n"));
  CHECK(stranger->answer().value().body == "uid 54321");
  RawClient ours(served.port());
  ours.send(request_for("/who", "CF-Connecting-IP: 203.0.113.9\r\n"));
  CHECK(ours.answer().value().body == "203.0.113.9");
}

TEST_CASE("another uid has its share of connections, the connector the rest") {
  if (geteuid() != 0) return;
  HttpServerOptions options;
  options.max_connections_per_uid = 2;
  options.max_connections_of_others = 3;
  Served served(who(), options);
  auto one = connected_as(kStranger, served.port());
  const auto two = connected_as(kStranger, served.port());
  const auto three = connected_as(kStranger, served.port());
  CHECK(three->answer().value().status == 503);
  const auto other = connected_as(kStranger + 1, served.port());
  other->send(request_for("/who"));
  CHECK(other->answer().value().status == 200);
  CHECK(connected_as(kStranger + 2, served.port())->answer().value().status == 503);
  for (int i = 0; i < 8; ++i) {
    RawClient ours(served.port());
    ours.send(request_for("/who"));
    CHECK(ours.answer().value().status == 200);
  }
  one->finish();
  CHECK(one->closed());
  const auto again = connected_as(kStranger, served.port());
  again->send(request_for("/who"));
  CHECK(again->answer().value().status == 200);
}

TEST_CASE("a client has few bodies under way where nobody is asked who he is") {
  HttpServerOptions options;
  options.max_public_bodies_per_client = 1;
  options.max_public_bodies = 2;
  Served served(who(), options);
  const auto sent = [&](const std::string& path, const std::string& client) {
    auto connection = std::make_unique<RawClient>(served.port());
    connection->send(post(path, client));
    return connection;
  };
  const auto status = [](RawClient& connection) { return connection.answer().value().status; };
  const auto first = sent("/public", "203.0.113.1");
  REQUIRE(goes_on(*first));
  const auto second = sent("/public", "203.0.113.1");
  CHECK(status(*second) == 429);
  const auto known = sent("/known", "203.0.113.1");
  REQUIRE(goes_on(*known));
  known->send("body");
  CHECK(status(*known) == 200);
  const auto other = sent("/public", "203.0.113.2");
  REQUIRE(goes_on(*other));
  const auto third = sent("/public", "203.0.113.3");
  CHECK(status(*third) == 429);
  for (const auto* connection : {&first, &other}) {
    (*connection)->send("body");
    CHECK(status(**connection) == 200);
  }
  const auto again = sent("/public", "203.0.113.1");
  REQUIRE(goes_on(*again));
  again->send("body");
  CHECK(status(*again) == 200);
}

TEST_CASE("a share is given back when it goes, and only once") {
  auto shares = std::make_unique<Shares>(2, 3);
  auto one = shares->take("a");
  REQUIRE(one.has_value());
  {
    const auto moved = std::move(*one);
    const auto two = shares->take("a");
    CHECK(two.has_value());
    CHECK_FALSE(shares->take("a").has_value());
    const auto three = shares->take("b");
    CHECK(three.has_value());
    CHECK_FALSE(shares->take("c").has_value());
  }
  const auto last = shares->take("c");
  CHECK(last.has_value());
  CHECK(shares->take("a").has_value());
  shares.reset();  // before what it gave out
}
