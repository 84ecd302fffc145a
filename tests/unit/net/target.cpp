#include "libdd/net/target.hpp"

#include <doctest/doctest.h>

#include "libdd/net/http_server.hpp"

using namespace dd;
using namespace dd::net;

TEST_CASE("a target is split before it is decoded") {
  const auto target = parse_target("/logs/my%20app?tail=10&grep=a%26b+c&flag&&=x").value();
  CHECK(target.path == "/logs/my app");
  using Pairs = std::vector<std::pair<std::string, std::string>>;
  CHECK(target.query == Pairs{{"tail", "10"}, {"grep", "a&b c"}, {"flag", ""}, {"", "x"}});
  CHECK(parse_target("http://example.com/x?y").value().path == "/x");
  CHECK(parse_target("http://example.com").value().path == "/");
}

TEST_CASE("a target that could mean two things is refused") {
  for (const auto* text : {"", "x", "*", "?x", "/a%2fb", "/a%2Fb", "/../x", "/%2e%2e/x", "/./x", "/x/..", "/a%00b",
                           "/a%0d%0ab", "/%", "/%4", "/%zz", "/?x=%", "/a\tb"}) {
    CAPTURE(text);
    const auto target = parse_target(text);
    REQUIRE_FALSE(target.has_value());
    CHECK(target.error().code == ErrorCode::malformed);
  }
}

TEST_CASE("a placeholder takes one segment, and a literal goes before it") {
  Router router;
  router.add("GET", "/agents/{id}", {});
  router.add("GET", "/agents/me", {});
  router.add("POST", "/agents/{id}/revoke", {});
  router.add("GET", "/", {});
  CHECK(router.match("GET", "/agents/a1").params == std::vector<std::string>{"a1"});
  CHECK(router.match("GET", "/agents/me").params.empty());
  CHECK(router.match("POST", "/agents/a1/revoke").params == std::vector<std::string>{"a1"});
  CHECK(router.match("HEAD", "/").route != nullptr);
  for (const auto* path : {"/agents", "/agents/", "/agents/a/b", "/agents/a/", "//agents/a", "/x"}) {
    CAPTURE(path);
    const auto match = router.match("GET", path);
    CHECK(match.route == nullptr);
    CHECK(match.allow.empty());
  }
  CHECK(router.match("DELETE", "/agents/a1").allow == "GET, HEAD");
}
