#include <string>

#include <doctest/doctest.h>

#include "libdd/identity/pat_verifier.hpp"

using namespace dd;

TEST_CASE("a bearer token is taken from its header, whatever the case of the scheme") {
  for (const auto* scheme : {"Bearer ", "bearer ", "BEARER "}) {
    HttpHeaders headers;
    headers.set("authorization", std::string(scheme) + "ghp_abc.DEF-1~2+3/4=");
    const auto token = identity::bearer_token(headers);
    REQUIRE(token.has_value());
    CHECK(token->reveal() == "ghp_abc.DEF-1~2+3/4=");
  }
}

TEST_CASE("a header that carries no bearer token is refused, and its value is not repeated") {
  const struct {
    const char* name;
    std::string value;
  } cases[] = {
      {"another scheme", "Basic c2VjcmV0"},
      {"the scheme alone", "Bearer"},
      {"no token", "Bearer "},
      {"no scheme", "secret"},
      {"a space inside", "Bearer sec ret"},
      {"two spaces", "Bearer  secret"},
      {"a control character", "Bearer sec\nret"},
      {"NUL", std::string("Bearer s\0t", 10)},
      {"not ASCII",
       "Bearer s\xc3\xa9"
       "cret"},
      {"GitHub's own scheme", "token secret"},
      {"a comma", "Bearer secret,Bearer secret"},
      {"too long", "Bearer " + std::string(16 * 1024 + 1, 'a')},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    HttpHeaders headers;
    headers.set("Authorization", c.value);
    const auto token = identity::bearer_token(headers);
    REQUIRE_FALSE(token.has_value());
    CHECK(token.error().code == ErrorCode::unauthenticated);
    CHECK(token.error().message.find("secret") == std::string::npos);
  }
}

TEST_CASE("no header and two headers are refused") {
  HttpHeaders headers;
  REQUIRE_FALSE(identity::bearer_token(headers).has_value());
  headers.add("Authorization", "Bearer one");
  REQUIRE(identity::bearer_token(headers).has_value());
  headers.add("authorization", "Bearer one");
  REQUIRE_FALSE(identity::bearer_token(headers).has_value());
}

TEST_CASE("a token that somebody typed cannot become more than a header's value") {
  CHECK(identity::typed_token("ghp_abc").value().reveal() == "ghp_abc");
  for (const std::string& text : {std::string(), std::string("ghp abc"), std::string("ghp\r\nX-Evil: 1"),
                                  std::string(" ghp"), std::string("a\0b", 3), std::string(16 * 1024 + 1, 'a')}) {
    const auto token = identity::typed_token(text);
    REQUIRE_FALSE(token.has_value());
    CHECK(token.error().code == ErrorCode::unauthenticated);
  }
}
