#include "libdd/workload/member_path.hpp"

#include <doctest/doctest.h>

using namespace dd;

using Parts = std::vector<std::string>;

TEST_CASE("a member's path is read in parts") {
  const struct {
    const char* path;
    Parts parts;
  } cases[] = {
      {"tool", {"tool"}}, {"./bin//tool", {"bin", "tool"}}, {"bin/", {"bin"}}, {"./", {}},
      {"", {}},           {"..a/b..", {"..a", "b.."}},
  };
  for (const auto& c : cases) {
    CAPTURE(c.path);
    CHECK(parts_of_member(c.path).value() == c.parts);
  }
}

TEST_CASE("a member's path that may lead out, or that no file can have, is refused") {
  std::string deep;
  for (int i = 0; i < 65; ++i) deep += "a/";
  for (const auto& path :
       {std::string("/a"), std::string(".."), std::string("a/../b"), std::string("a/.."), std::string("a\x1b[2J"),
        std::string("a\0b", 3), std::string("a\x7f"), deep, std::string(256, 'a')}) {
    CAPTURE(path);
    const auto parts = parts_of_member(path);
    REQUIRE_FALSE(parts.has_value());
    CHECK(parts.error().code == ErrorCode::invalid_argument);
  }
  CHECK(parts_of_member(deep.substr(2)).value().size() == 64);
}

TEST_CASE("a link stays inside when no other link can lead it out") {
  const struct {
    const char* name;
    Parts link;
    std::string target;
    bool inside;
  } cases[] = {
      {"beside it", {"a"}, "b", true},
      {"below it", {"a"}, "b/c", true},
      {"up and down again", {"a", "b"}, "../c", true},
      {"to the root", {"a", "b"}, "..", true},
      {"to the root by a longer way", {"a", "b", "c"}, "./../../d", true},
      {"over the root", {"a"}, "..", false},
      {"over the root from a folder", {"a", "b"}, "../../c", false},
      {"absolute", {"a"}, "/b", false},
      {"up behind a folder, which may be a link", {"a", "b", "c"}, "d/../e", false},
      {"nowhere", {"a"}, "", false},
      {"the root itself as a link", {}, "a", false},
      {"control character", {"a"}, "b\nc", false},
      {"too long", {"a"}, std::string(1025, 'b'), false},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    CHECK(stays_inside(c.link, c.target) == c.inside);
  }
}
