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

using Values = std::vector<std::string>;

Values values(const Cookies& cookies, const std::vector<std::string>& sent) {
  Values found;
  for (auto& cookie : cookies.find_all(with(sent), kSessionCookie)) found.push_back(std::move(cookie.value));
  return found;
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
    CHECK(values(kSecure, sent) == Values{"a.b.c"});
  }
}

TEST_CASE("what only looks like our cookie is none") {
  for (const auto* sent :
       {"", "theme=dark", "dd_session=a.b.c", "__host-dd_session=a.b.c", "x__Host-dd_session=a.b.c",
        "__Host-dd_session", "__Host-dd_session2=a.b.c", "x=__Host-dd_session=a.b.c", "__Host-dd_session.=a",
        "__Host-dd_session.1234567=a", "__Host-dd_session.123456789=a", "__Host-dd_session-12345678=a"}) {
    CAPTURE(sent);
    CHECK(values(kSecure, {sent}).empty());
  }
  CHECK(kSecure.find_all({}, kSessionCookie).empty());
  CHECK(values(kLocal, {"__Host-dd_session=a.b.c"}).empty());
}

TEST_CASE("every cookie of ours is found, in its order, whoever planted others, and no more than are worth a look") {
  CHECK(values(kSecure, {"__Host-dd_session=ours; theme=dark; __Host-dd_session=planted"}) ==
        Values{"ours", "planted"});
  CHECK(values(kSecure, {"__Host-dd_session=", "__Host-dd_session=ours"}) == Values{"", "ours"});
  std::string many;
  for (int i = 0; i < 200; ++i) many += "dd_session=" + std::to_string(i) + "; ";
  const auto found = values(kLocal, {many});
  CHECK(found.size() == Cookies::kMostCookies);
  CHECK(found.back() == "63");
}

TEST_CASE("a fresh name is one of that cookie, and no other") {
  const auto name = fresh_name(kSessionCookie, system_random());
  CHECK(name != fresh_name(kSessionCookie, system_random()));
  CHECK(is_fresh_name(name, kSessionCookie));
  CHECK_FALSE(is_fresh_name(kSessionCookie, kSessionCookie));
  CHECK_FALSE(is_fresh_name(name, "dd_browser"));
  const auto set = kLocal.set(name, "a", kHour);
  const auto found = kLocal.find_all(with({set.substr(0, set.find(';'))}), kSessionCookie);
  REQUIRE(found.size() == 1);
  CHECK(found[0].name == name);
  CHECK(found[0].value == "a");
}

TEST_CASE("what another host may have planted is taken away as it was set, for every domain above us") {
  const std::string ours = "dd_session=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0";
  CHECK(kLocal.clear_planted(kSessionCookie) ==
        Values{ours, ours + "; Domain=app.dd.localhost", ours + "; Domain=dd.localhost"});
  // Nobody else can set one with this prefix.
  CHECK(kSecure.clear_planted(kSessionCookie) == Values{kSecure.clear(kSessionCookie)});
}
