#include "libdd/identity/local_path.hpp"

#include <doctest/doctest.h>

using namespace dd::identity;

TEST_CASE("a path of our own host is kept") {
  for (const std::string path :
       {"/", "/agent/dd-1?tab=log", "/a//b", "/a?next=https://evil.example/", "/%5Chost", "/a#b"}) {
    CAPTURE(path);
    CHECK(local_path(path) == path);
  }
}

TEST_CASE("what a browser could read as another host's page becomes the start page") {
  for (const std::string text :
       {"", "agent", "//evil.example", "///evil.example", "/\\evil.example", "\\evil.example", "/a\\b",
        "https://evil.example/", "javascript:alert(1)", "/\t/evil.example", "/\n/evil.example", "\t//evil.example",
        " //evil.example", "/ /evil.example", "/\r\nSet-Cookie: a=b", "/\xc3\xa9", "/\x7f"}) {
    CAPTURE(text);
    CHECK(local_path(text) == "/");
  }
  CHECK(local_path("/" + std::string(2048, 'a')) == "/");
  CHECK(local_path(std::string("/a\0b", 4)) == "/");
}
