#include <doctest/doctest.h>

#include "dd/http.hpp"
#include "libdd/net/edge_route.hpp"
#include "libdd/net/redirect.hpp"

using namespace dd;

TEST_CASE("header names compare without case, and set replaces every value") {
  HttpHeaders headers;
  headers.add("Set-Cookie", "a");
  headers.add("set-cookie", "b");
  CHECK(headers.count("SET-COOKIE") == 2);
  CHECK(*headers.find("Set-cookie") == "a");
  headers.set("SET-Cookie", "c");
  CHECK(headers.count("set-cookie") == 1);
  CHECK(*headers.find("set-cookie") == "c");
  headers.remove(headers.all()[0].first);  // a name of its own
  CHECK(headers.find("set-cookie") == nullptr);
}

TEST_CASE("a redirect is not followed where it must not be") {
  HttpRequest request;
  request.url = "https://a.example/x";
  request.max_redirects = 1;
  const auto answer = [](int status, const char* location) {
    HttpResponse response;
    response.status = status;
    if (location) response.headers.set("Location", location);
    return response;
  };
  const struct {
    const char* name;
    HttpResponse response;
  } cases[] = {
      {"no Location", answer(302, nullptr)},
      {"no redirect", answer(200, "/y")},
      {"not modified", answer(304, "/y")},
      {"to plain http", answer(302, "http://a.example/x")},
      {"another scheme", answer(302, "file:///etc/passwd")},
      {"with a password", answer(302, "https://user:pw@a.example/")},
      {"split header", answer(302, "/y\r\nX: y")},
  };
  for (const auto& c : cases) {
    CAPTURE(std::string(c.name));
    CHECK_FALSE(net::follow_redirect(request, c.response).has_value());
  }
  CHECK(net::follow_redirect(request, answer(302, "/y"))->url == "https://a.example/y");
  request.max_redirects = 0;
  CHECK_FALSE(net::follow_redirect(request, answer(302, "/y")).has_value());
}

TEST_CASE("a server elsewhere leads nobody to this machine or its link") {
  const auto follows = [](const std::string& from, const std::string& to) {
    HttpRequest request;
    request.url = from;
    request.max_redirects = 1;
    HttpResponse response;
    response.status = 302;
    response.headers.set("Location", to);
    return net::follow_redirect(request, response).has_value();
  };
  for (const char* inside : {"127.0.0.1:8080", "127.1", "2130706433", "0x7f000001", "0.0.0.0", "localhost", "LOCALHOST",
                             "localhost.", "app.localhost", "[::1]", "[::]", "[::ffff:127.0.0.1]", "169.254.169.254",
                             "2852039166", "[fe80::1]", "[::ffff:a9fe:a9fe]"}) {
    CAPTURE(inside);
    for (const char* scheme : {"http://", "https://"})
      CHECK_FALSE(follows(std::string(scheme) + "a.example/x", std::string(scheme) + inside + "/latest/meta-data"));
  }
  CHECK(follows("https://a.example/x", "https://b.example/y"));
  CHECK(follows("https://a.example/x", "https://8.8.8.8/y"));
  CHECK(follows("https://a.example/x", "https://[2001:db8::1]/y"));
  CHECK(follows("http://127.0.0.1:1/x", "http://localhost:2/y"));
  CHECK(follows("http://169.254.169.254/x", "http://169.254.169.254/y"));
  CHECK_FALSE(follows("http://127.0.0.1:1/x", "http://169.254.169.254/y"));
}

TEST_CASE("307 and 308 keep method and body, 301 to 303 make a POST a GET") {
  for (const auto status : {301, 302, 303, 307, 308}) {
    HttpRequest request;
    request.method = "POST";
    request.url = "http://a.example/";
    request.body = "body";
    request.max_redirects = 1;
    HttpResponse response;
    response.status = status;
    response.headers.set("Location", "/y");
    const auto next = net::follow_redirect(request, response).value();
    CHECK(next.method == (status < 307 ? "GET" : "POST"));
    CHECK(next.body.empty() == (status < 307));
    request.method = "DELETE";
    CHECK(net::follow_redirect(request, response)->method == (status == 303 ? "GET" : "DELETE"));
  }
}

TEST_CASE("only hosts under the edge's domain go to the edge") {
  const net::EdgeRoute route{net::parse_url("http://127.0.0.1:9000").value(), "dd.localhost"};
  const struct {
    const char* url;
    bool edge;
  } cases[] = {
      {"http://dd.localhost:1/", true}, {"https://a.dd.localhost/", true},       {"http://b.a.DD.localhost/", true},
      {"http://xdd.localhost/", false}, {"http://dd.localhost.example/", false}, {"http://localhost:1/", false},
  };
  for (const auto& c : cases) {
    CAPTURE(std::string(c.url));
    const auto url = net::parse_url(c.url).value();
    CHECK(route.connect_to(url) == (c.edge ? "http://127.0.0.1:9000" : url.origin()));
  }
  const net::EdgeRoute none;
  CHECK(none.connect_to(net::parse_url("http://dd.localhost").value()) == "http://dd.localhost");
}
