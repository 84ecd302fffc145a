#include "libdd/identity/cookie.hpp"

#include <doctest/doctest.h>

using namespace dd;
using namespace dd::identity;

namespace {

const auto kSecure = Cookies::of_origin("https://app.dd.example").value();
const auto kLocal = Cookies::of_origin("http://app.dd.localhost:7080").value();
constexpr std::chrono::seconds kHour{3600};

HttpHeaders with(const std::vector<std::string>& cookies) {
  HttpHeaders headers;
  for (const auto& cookie : cookies) headers.add("Cookie", cookie);
  return headers;
}

}  // namespace

TEST_CASE("a cookie is host-only, for the whole host and out of reach of scripts") {
  CHECK(kSecure.set(kSessionCookie, "a.b.c", kHour) ==
        "__Host-dd_session=a.b.c; Path=/; HttpOnly; Secure; SameSite=Lax; Max-Age=3600");
  CHECK(kSecure.clear(kSessionCookie) == "__Host-dd_session=; Path=/; HttpOnly; Secure; SameSite=Lax; Max-Age=0");
  CHECK(kSecure.set("x", "1", kHour, CookieReach::any_site) ==
        "__Host-x=1; Path=/; HttpOnly; Secure; SameSite=None; Max-Age=3600");
}

TEST_CASE("the plain name is for http below .localhost and nowhere else") {
  CHECK(kLocal.set(kSessionCookie, "a", kHour) == "dd_session=a; Path=/; HttpOnly; SameSite=Lax; Max-Age=3600");
  CHECK(kLocal.set("x", "1", kHour, CookieReach::any_site) == "x=1; Path=/; HttpOnly; SameSite=Lax; Max-Age=3600");
  CHECK(Cookies::of_origin("https://app.dd.localhost").value().set("x", "1", kHour).starts_with("__Host-x="));
  for (const auto* origin :
       {"http://app.dd.example", "http://localhost", "http://localhost:7080", "http://127.0.0.1:7080",
        "http://xlocalhost", "http://a.localhost.dd.example", "http://.localhost"}) {
    CAPTURE(origin);
    const auto cookies = Cookies::of_origin(origin);
    REQUIRE_FALSE(cookies.has_value());
    CHECK(cookies.error().code == ErrorCode::unsupported);
  }
  CHECK_FALSE(Cookies::of_origin("app.dd.example").has_value());
}

TEST_CASE("a cookie is found among others, wherever it stands") {
  for (const std::vector<std::string>& sent : std::vector<std::vector<std::string>>{
           {"__Host-dd_session=a.b.c"},
           {"theme=dark; __Host-dd_session=a.b.c; lang=en"},
           {"theme=dark;__Host-dd_session=a.b.c"},
           {"theme=dark ;\t__Host-dd_session=a.b.c ; "},
           {"theme=dark", "__Host-dd_session=a.b.c"},
           {"; ;=;__Host-dd_session=a.b.c;theme"},
       }) {
    CAPTURE(sent.front());
    CHECK(kSecure.find(with(sent), kSessionCookie).value() == "a.b.c");
  }
}

TEST_CASE("what only looks like our cookie is none") {
  for (const auto* sent : {"", "theme=dark", "dd_session=a.b.c", "__host-dd_session=a.b.c", "x__Host-dd_session=a.b.c",
                           "__Host-dd_session", "__Host-dd_session2=a.b.c", "x=__Host-dd_session=a.b.c"}) {
    CAPTURE(sent);
    CHECK(kSecure.find(with({sent}), kSessionCookie).value() == std::nullopt);
  }
  CHECK(kSecure.find({}, kSessionCookie).value() == std::nullopt);
  CHECK(kLocal.find(with({"__Host-dd_session=a.b.c"}), kSessionCookie).value() == std::nullopt);
}

TEST_CASE("a duplicate of our cookie is refused, whichever comes first") {
  for (const std::vector<std::string>& sent : std::vector<std::vector<std::string>>{
           {"__Host-dd_session=ours; __Host-dd_session=planted"},
           {"__Host-dd_session=ours; theme=dark; __Host-dd_session=ours"},
           {"__Host-dd_session=ours", "__Host-dd_session=planted"},
           {"__Host-dd_session=; __Host-dd_session=ours"},
       }) {
    CAPTURE(sent.front());
    const auto found = kSecure.find(with(sent), kSessionCookie);
    REQUIRE_FALSE(found.has_value());
    CHECK(found.error().code == ErrorCode::unauthenticated);
    CHECK(found.error().message.find("planted") == std::string::npos);
  }
}
