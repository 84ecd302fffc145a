#include "libdd/enclave/tool_links.hpp"

#include <doctest/doctest.h>

#include "tests/support/temp_dir.hpp"

using namespace dd;
using namespace dd::enclave;
namespace fs = std::filesystem;

TEST_CASE("an app's tools are linked by name, and those that it no longer has go") {
  const TempDir folder;
  ToolLinks tools(folder.path());
  REQUIRE(tools.install("a", {{"one", "/store/1"}, {"two", "/store/1"}}, "sha256:1").has_value());
  REQUIRE(tools.install("b", {{"three", "/store/2"}}, "sha256:2").has_value());
  REQUIRE(tools.install("a", {{"two", "/store/3"}}, "sha256:3").has_value());
  CHECK_FALSE(fs::is_symlink(folder.path() / "one"));
  CHECK(fs::read_symlink(folder.path() / "two") == "/store/3");
  CHECK(fs::read_symlink(folder.path() / "three") == "/store/2");
  CHECK(tools.digests() == std::set<std::string>{"sha256:2", "sha256:3"});
}

TEST_CASE("a name that another app has is refused, and nothing has changed") {
  const TempDir folder;
  ToolLinks tools(folder.path());
  REQUIRE(tools.install("a", {{"one", "/store/1"}}, "sha256:1").has_value());
  const auto taken = tools.install("b", {{"two", "/store/2"}, {"one", "/store/2"}}, "sha256:2");
  REQUIRE_FALSE(taken.has_value());
  CHECK(taken.error().code == ErrorCode::conflict);
  CHECK(taken.error().message == "cannot install one: the name belongs to app a");
  CHECK(fs::read_symlink(folder.path() / "one") == "/store/1");
  CHECK_FALSE(fs::is_symlink(folder.path() / "two"));
  CHECK(tools.digests() == std::set<std::string>{"sha256:1"});
}
