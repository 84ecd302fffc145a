#include "libdd/core/tree_removal.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include "tests/support/check_error.hpp"
#include "tests/support/few_descriptors.hpp"
#include "tests/support/temp_dir.hpp"

using namespace dd;
namespace fs = std::filesystem;

namespace {

/// No path reaches the innermost: it is too long for the kernel (PATH_MAX, 4096).
void nest_folders(const fs::path& top, int depth) {
  const std::string name(200, 'd');
  int at = open(top.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  for (int level = 0; level < depth; ++level) {
    REQUIRE(mkdirat(at, name.c_str(), 0700) == 0);
    const int deeper = openat(at, name.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
    REQUIRE(deeper >= 0);
    close(at);
    at = deeper;
  }
  close(at);
}

void check_removes(const fs::path& path) {
  const auto removed = remove_tree(path);
  CHECK((removed ? "" : removed.error().message) == "");
}

}  // namespace

TEST_CASE("folders that are nested 200 deep are removed with few descriptors") {
  const TempDir home;
  const auto top = home.path() / "top";
  fs::create_directory(top);
  nest_folders(top, 200);
  const test::FewDescriptors limited(64);
  check_removes(top);
  CHECK_FALSE(fs::exists(top));
}

TEST_CASE("a tree goes with all kinds of entries, and what its links lead to stays") {
  const TempDir home;
  const auto kept = home.write("kept", "x");
  const auto top = home.path() / "top";
  // The names that folders get when they move up are taken, by a file, by a folder and by one that is not empty.
  fs::create_directories(top / ".up-2");
  fs::create_directories(top / ".up-3/full");
  home.write("top/.up-1", "x");
  for (const auto* folder : {"a/b/c", "a/e/f", "g"}) fs::create_directories(top / folder);
  for (const auto* file : {"top/a/b/c/file", "top/a/e/f/file", "top/g/file"}) home.write(file, "x");
  fs::create_symlink(kept, top / "a/b/to-file");
  fs::create_directory_symlink(home.path(), top / "a/to-folder");
  REQUIRE(mkfifo((top / "a/fifo").c_str(), 0600) == 0);
  check_removes(top);
  CHECK_FALSE(fs::exists(top));
  CHECK(fs::exists(kept));
}

TEST_CASE("folders that their owner locked are removed") {
  const TempDir home;
  const auto top = home.path() / "top";
  fs::create_directories(top / "a/b/c");
  for (const auto* folder : {"a/b/c", "a/b", "a"}) REQUIRE(chmod((top / folder).c_str(), 0) == 0);
  check_removes(top);
  CHECK_FALSE(fs::exists(top));
}

TEST_CASE("of a link the link is removed, and what is not there is removed already") {
  const TempDir home;
  fs::create_directory(home.path() / "kept");
  fs::create_directory_symlink(home.path() / "kept", home.path() / "link");
  check_removes(home.path() / "link");
  CHECK_FALSE(fs::is_symlink(home.path() / "link"));
  CHECK(fs::exists(home.path() / "kept"));
  check_removes(home.path() / "nothing");
}

TEST_CASE("what cannot be removed is an error") {
  test::check_error(remove_tree("/proc/self"), ErrorCode::unavailable, {}, "cannot remove /proc/self: ");
}

TEST_CASE("a removal that is told to stop stops") {
  const TempDir home;
  fs::create_directories(home.path() / "top/a");
  for (int i = 0; i < 10; ++i) home.write("top/a/" + std::to_string(i), "x");
  std::stop_source stop;
  stop.request_stop();
  test::check_error(remove_tree(home.path() / "top", stop.get_token()), ErrorCode::unavailable, {}, "cannot remove ");
  CHECK(fs::exists(home.path() / "top/a"));
  CHECK(std::distance(fs::directory_iterator(home.path() / "top/a"), {}) == 10);
}
