#include "libdd/local/identity_provider.hpp"

#include <string>

#include <doctest/doctest.h>

#include <utility>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "libdd/identity/pat_verifier.hpp"
#include "libdd/net/http_client.hpp"
#include "tests/support/run_task.hpp"
#include "tests/unit/local/example_table.hpp"

using namespace dd;

namespace {

/// The provider on a free port, asked over loopback.
struct IdentityProviderFixture {
  net::asio::io_context io;
  local::IdentityProvider provider{io.get_executor(), {"127.0.0.1", 0, local::example_table()}};
  std::shared_ptr<HttpTransport> transport = net::make_http_transport({});

  IdentityProviderFixture() { REQUIRE(provider.start().has_value()); }
  IdentityProviderFixture(const IdentityProviderFixture&) = delete;
  IdentityProviderFixture& operator=(const IdentityProviderFixture&) = delete;
  ~IdentityProviderFixture() { test::run(io, stopped(provider)); }

  static net::Task<bool> stopped(local::IdentityProvider& provider) {
    co_await provider.stop();
    co_return true;
  }
  HttpResponse get(const std::string& path, const std::string& authorization) {
    HttpRequest request;
    request.url = provider.api_url() + path;
    request.headers.set("User-Agent", "test");
    if (!authorization.empty()) request.headers.set("Authorization", authorization);
    auto response = test::run(io, net::send(*transport, std::move(request)));
    REQUIRE(response.has_value());
    return *std::move(response);
  }
  Result<Principal> verify(Owner owner, const char* token) {
    identity::PatVerifierOptions options;
    options.api_url = provider.api_url();
    options.owner = std::move(owner);
    identity::PatVerifier verifier(io.get_executor(), transport, system_clock(), std::move(options));
    return test::run(io, verifier.verify(Secret(token), "client"));
  }
};

/// Sends the text and returns all that comes back: libdd's own client always names itself.
net::Task<std::string> exchange(std::uint16_t port, std::string text) {
  namespace asio = net::asio;
  asio::ip::tcp::socket socket(co_await asio::this_coro::executor);
  const asio::ip::tcp::endpoint endpoint(asio::ip::address_v4::loopback(), port);
  co_await socket.async_connect(endpoint, asio::use_awaitable);
  const auto out = asio::buffer(text);
  co_await asio::async_write(socket, out, asio::use_awaitable);
  std::string answer;
  auto in = asio::dynamic_buffer(answer);
  boost::system::error_code ended;
  co_await asio::async_read(socket, in, asio::redirect_error(asio::use_awaitable, ended));
  co_return answer;
}

}  // namespace

TEST_CASE("the provider answers the calls that libdd makes, and no others") {
  IdentityProviderFixture f;
  CHECK(f.get("/user", "Bearer ghp_alice").status == 200);
  CHECK(f.get("/user", "token ghp_alice").status == 200);
  CHECK(f.get("/user", "Basic ghp_alice").status == 401);
  CHECK(f.get("/user", "").status == 401);
  CHECK(f.get("/user/memberships/orgs/acme", "Bearer ghp_alice").status == 200);
  CHECK(f.get("/repos/acme/fleet", "").status == 200);
  CHECK(f.get("/users/alice", "").status == 200);
  CHECK(f.get("/orgs/acme", "").status == 404);
}

TEST_CASE("a request without a User-Agent is forbidden, as GitHub does") {
  IdentityProviderFixture f;
  CHECK(test::run(
            f.io,
            exchange(f.provider.port(),
                     "GET /user HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ghp_alice\r\nConnection: close\r\n\r\n"))
            .starts_with("HTTP/1.1 403 "));
  CHECK(test::run(f.io, exchange(f.provider.port(),
                                 "GET /user HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ghp_alice\r\nUser-Agent: "
                                 "t\r\nConnection: close\r\n\r\n"))
            .starts_with("HTTP/1.1 200 "));
}

TEST_CASE("a failure on order comes as often as asked, then the answers are its own again") {
  IdentityProviderFixture f;
  f.provider.faults().fail_next(2, local::github_error(503, "down"));
  CHECK(f.get("/user", "Bearer ghp_alice").status == 503);
  CHECK(f.get("/user", "Bearer ghp_alice").status == 503);
  CHECK(f.get("/user", "Bearer ghp_alice").status == 200);
  CHECK(f.provider.faults().requests() == 3);
}

TEST_CASE("a changed table is in force at once") {
  IdentityProviderFixture f;
  CHECK(f.get("/user", "Bearer ghp_alice").status == 200);
  f.provider.set_table({});
  CHECK(f.get("/user", "Bearer ghp_alice").status == 401);
}

TEST_CASE("the token check accepts the owner and refuses the stranger over a real connection") {
  const Owner owners[] = {
      {"alice", 7, OwnerKind::user}, {"acme", 40, OwnerKind::organisation}, {"acme/fleet", 900, OwnerKind::repository}};
  IdentityProviderFixture f;
  for (const auto& owner : owners) {
    CAPTURE(owner.login);
    CHECK(f.verify(owner, "ghp_alice").has_value());
    for (const auto* token : {"ghp_mallory", "ghp_bob", "workflow-of-fleet"}) {
      CAPTURE(token);
      const auto refused = f.verify(owner, token);
      REQUIRE_FALSE(refused.has_value());
      CHECK(refused.error().code == ErrorCode::permission_denied);
    }
  }
}

TEST_CASE("a provider that is down makes the check unavailable, not a refusal") {
  IdentityProviderFixture f;
  f.provider.faults().fail_next(1, local::github_error(502, "bad gateway"));
  const auto checked = f.verify({"alice", 7, OwnerKind::user}, "ghp_alice");
  REQUIRE_FALSE(checked.has_value());
  CHECK(checked.error().code == ErrorCode::unavailable);
}
