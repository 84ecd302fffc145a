#include "libdd/cli/private_file.hpp"

#include <sys/stat.h>

#include <doctest/doctest.h>

#include "tests/unit/cli/captured.hpp"

using namespace dd;
using namespace dd::cli;

namespace {

int mode_of(const std::filesystem::path& file) {
  struct stat info{};
  return ::stat(file.c_str(), &info) == 0 ? static_cast<int>(info.st_mode & 0777) : -1;
}

}  // namespace

TEST_CASE("a secret is written for its owner alone, whatever the mask is") {
  const TempDir dir;
  const auto before = umask(0);
  const auto written = write_private_file(dir.path() / "secret", "text");
  umask(before);
  REQUIRE(written.has_value());
  CHECK(mode_of(dir.path() / "secret") == 0600);
  CHECK(content_of(dir.path() / "secret") == "text");
}

TEST_CASE("a file that was readable by others is replaced by one that is not") {
  const TempDir dir;
  const auto file = dir.write("secret", "old");
  std::filesystem::permissions(file, std::filesystem::perms::all);
  REQUIRE(write_private_file(file, "new").has_value());
  CHECK(mode_of(file) == 0600);
  CHECK(content_of(file) == "new");
}

TEST_CASE("a temporary file that somebody left open to others is not written into") {
  const TempDir dir;
  const auto left = dir.write("secret.new", "left behind");
  std::filesystem::permissions(left, std::filesystem::perms::all);
  const std::ifstream reader(left);
  REQUIRE(write_private_file(dir.path() / "secret", "text").has_value());
  CHECK(mode_of(dir.path() / "secret") == 0600);
  CHECK(content_of(dir.path() / "secret") == "text");
  CHECK_FALSE(std::filesystem::exists(left));
}

TEST_CASE("a link is never written through") {
  const TempDir dir;
  const auto target = dir.write("target", "untouched");
  SUBCASE("in place of the file") {
    std::filesystem::create_symlink(target, dir.path() / "secret");
    REQUIRE(write_private_file(dir.path() / "secret", "text").has_value());
    CHECK(std::filesystem::symlink_status(dir.path() / "secret").type() == std::filesystem::file_type::regular);
  }
  SUBCASE("in place of the temporary file") {
    std::filesystem::create_symlink(target, dir.path() / "secret.new");
    REQUIRE(write_private_file(dir.path() / "secret", "text").has_value());
  }
  CHECK(content_of(target) == "untouched");
  CHECK(content_of(dir.path() / "secret") == "text");
}

TEST_CASE("a file that cannot be replaced is told by its name, and nothing is left behind") {
  const TempDir dir;
  SUBCASE("its folder is missing") {
    const auto written = write_private_file(dir.path() / "missing" / "secret", "text");
    REQUIRE_FALSE(written.has_value());
    CHECK(written.error().code == ErrorCode::unavailable);
    CHECK(written.error().message.find("missing/secret") != std::string::npos);
  }
  SUBCASE("a folder is in its place") {
    std::filesystem::create_directories(dir.path() / "secret" / "inside");
    CHECK_FALSE(write_private_file(dir.path() / "secret", "text").has_value());
    CHECK_FALSE(std::filesystem::exists(dir.path() / "secret.new"));
  }
}
