#include <doctest/doctest.h>

#include "dd/http.hpp"

using namespace dd;

TEST_CASE("header names compare without case") {
  HttpHeaders headers;
  headers.add("Content-Type", "text/plain");
  REQUIRE(headers.find("content-TYPE") != nullptr);
  CHECK(*headers.find("content-TYPE") == "text/plain");
  CHECK(headers.find("content") == nullptr);
  CHECK(headers.find("content-types") == nullptr);
}

TEST_CASE("add keeps every value and find gives the first") {
  HttpHeaders headers;
  headers.add("Set-Cookie", "a=1");
  headers.add("set-cookie", "b=2");
  CHECK(headers.count("SET-COOKIE") == 2);
  CHECK(*headers.find("Set-Cookie") == "a=1");
  CHECK(headers.all().size() == 2);
}

TEST_CASE("set replaces every value of a name and leaves the others") {
  HttpHeaders headers;
  headers.add("Host", "a");
  headers.add("Accept", "*/*");
  headers.add("HOST", "b");
  headers.set("host", "c");
  CHECK(headers.count("Host") == 1);
  CHECK(*headers.find("Host") == "c");
  CHECK(headers.count("Accept") == 1);
}

TEST_CASE("remove takes every value of a name") {
  HttpHeaders headers;
  headers.add("Cookie", "a");
  headers.add("cookie", "b");
  headers.add("Accept", "*/*");
  headers.remove("COOKIE");
  CHECK(headers.count("Cookie") == 0);
  CHECK(headers.all().size() == 1);
}
