#include "libdd/net/url.hpp"

#include <doctest/doctest.h>

using namespace dd;
using namespace dd::net;

TEST_CASE("a URL's origin is lower case without a default port") {
  const struct {
    const char* text;
    const char* origin;
    const char* target;
  } cases[] = {
      {"http://Example.COM", "http://example.com", "/"},
      {"HTTPS://example.com:443/a?b=c", "https://example.com", "/a?b=c"},
      {"http://example.com:80/", "http://example.com", "/"},
      {"https://example.com:80", "https://example.com:80", "/"},
      {"http://127.0.0.1:8080?x=1", "http://127.0.0.1:8080", "/?x=1"},
      {"http://[::1]:8080/x#part", "http://[::1]:8080", "/x"},
      {"http://app.dd.localhost:7000", "http://app.dd.localhost:7000", "/"},
  };
  for (const auto& c : cases) {
    CAPTURE(c.text);
    const auto url = parse_url(c.text);
    REQUIRE(url.has_value());
    CHECK(url->origin() == c.origin);
    CHECK(url->target == c.target);
    CHECK(parse_url(url->text()).value() == *url);
  }
}

TEST_CASE("an origin of another host keeps scheme and port, also of an IPv6 address") {
  CHECK(origin_of_host("https://app.example.com", "dd-1.example.com") == "https://dd-1.example.com");
  CHECK(origin_of_host("http://app.dd.localhost:7000", "a.dd.localhost") == "http://a.dd.localhost:7000");
  CHECK(origin_of_host("http://[::1]:8080", "a.dd.localhost") == "http://a.dd.localhost:8080");
  CHECK(origin_of_host("http://[::1]", "a.dd.localhost") == "http://a.dd.localhost");
}

TEST_CASE("what is no http URL is refused") {
  for (const auto* text :
       {"", "example.com", "ftp://example.com", "http://", "http:///x", "http://user@example.com",
        "http://a:b@example.com/", "http://example.com:0", "http://example.com:65536", "http://example.com:80x",
        "http://example.com:", "http://exa mple.com", "http://example.com/a b", "http://example.com/\r\nX: y",
        "http://ex\xc3\xa4mple.com", "http://[::1", "http://example.com/<script>", "file:///etc/passwd"}) {
    CAPTURE(text);
    const auto url = parse_url(text);
    REQUIRE_FALSE(url.has_value());
    CHECK(url.error().code == ErrorCode::invalid_argument);
  }
}

TEST_CASE("a redirect's Location is resolved against the URL it came from") {
  const auto base = parse_url("https://a.example:8443/x/y?q=1").value();
  const struct {
    const char* reference;
    const char* text;
  } cases[] = {
      {"http://b.example/z", "http://b.example/z"},
      {"//b.example/z", "https://b.example/z"},
      {"/z", "https://a.example:8443/z"},
      {"z", "https://a.example:8443/x/z"},
      {"?r=2", "https://a.example:8443/x/y?r=2"},
      {"z:1/", nullptr},
      {"", nullptr},
      {"javascript:alert(1)", nullptr},
  };
  for (const auto& c : cases) {
    CAPTURE(c.reference);
    const auto url = resolve_url(base, c.reference);
    REQUIRE(url.has_value() == (c.text != nullptr));
    if (c.text) CHECK(url->text() == c.text);
  }
}

TEST_CASE("percent-encoding goes there and back") {
  std::string every;
  for (int c = 0; c < 256; ++c) every += static_cast<char>(c);
  CHECK(percent_decode(percent_encode(every)).value() == every);
  CHECK(percent_encode("a b/c~") == "a%20b%2Fc~");
  for (const auto* text : {"%", "%1", "%g0", "%0g", "a%", "%+1"}) {
    CAPTURE(text);
    CHECK_FALSE(percent_decode(text).has_value());
  }
}
