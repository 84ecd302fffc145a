#include "libdd/enclave/tree_takeover.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include "libdd/enclave/unique_fd.hpp"
#include "tests/support/temp_dir.hpp"

using namespace dd;
using namespace dd::enclave;
namespace fs = std::filesystem;

namespace {

/// A tree of another uid where this may be had.
struct TreeTakeoverFixture {
  TempDir folder;
  fs::path tree = folder.path() / "tree";
  uid_t uid = geteuid() == 0 ? 1'234'567 : geteuid();

  TreeTakeoverFixture() { fs::create_directory(tree); }
  void give() const {
    for (const auto& entry : fs::recursive_directory_iterator(tree))
      REQUIRE(lchown(entry.path().c_str(), uid, getegid()) == 0);
    REQUIRE(lchown(tree.c_str(), uid, getegid()) == 0);
  }
  [[nodiscard]] Result<void> take() const {
    const int fd = open(tree.c_str(), O_RDONLY | O_DIRECTORY);
    auto taken = take_over(fd, uid);
    close(fd);
    return taken;
  }
  [[nodiscard]] struct stat stat_of(const char* name) const {
    struct stat info{};
    REQUIRE(lstat((tree / name).c_str(), &info) == 0);
    return info;
  }
};

}  // namespace

TEST_CASE("a tree that is taken over is the runtime's, unwritable, and has no special bits") {
  TreeTakeoverFixture f;
  fs::create_directories(f.tree / "bin" / "deep");
  f.folder.write("tree/bin/tool", "x");
  f.folder.write("tree/text", "x");
  fs::create_hard_link(f.tree / "bin/tool", f.tree / "again");
  fs::create_symlink("bin/tool", f.tree / "link");
  f.give();
  chmod((f.tree / "bin/tool").c_str(), 06711);
  chmod((f.tree / "text").c_str(), 0666);
  chmod((f.tree / "bin").c_str(), 01777);
  REQUIRE(f.take().has_value());
  CHECK((f.stat_of("bin/tool").st_mode & 07777) == 0555);
  CHECK((f.stat_of("again").st_mode & 07777) == 0555);
  CHECK((f.stat_of("text").st_mode & 07777) == 0444);
  CHECK((f.stat_of("bin").st_mode & 07777) == 0755);
  for (const auto* name : {"", "bin", "bin/deep", "bin/tool", "text", "link"})
    CHECK(f.stat_of(name).st_uid == geteuid());
}

TEST_CASE("a tree with what unpacking does not make is refused") {
  const struct {
    const char* name;
    void (*make)(const fs::path& tree);
    const char* says;
  } cases[] = {
      {"FIFO", [](const fs::path& tree) { mkfifo((tree / "a").c_str(), 0644); }, "a is no file, folder or link"},
      {"absolute link", [](const fs::path& tree) { fs::create_symlink("/etc/shadow", tree / "a"); }, "a leads out"},
      {"link above", [](const fs::path& tree) { fs::create_symlink("../x", tree / "a"); }, "a leads out"},
      {"link through a folder", [](const fs::path& tree) { fs::create_symlink("b/../../x", tree / "a"); },
       "a leads out"},
      {"too deep",
       [](const fs::path& tree) {
         std::string path;
         for (int i = 0; i < 66; ++i) path += "a/";
         fs::create_directories(tree / path);
       },
       "a is too deep"},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    TreeTakeoverFixture f;
    c.make(f.tree);
    f.give();
    const auto taken = f.take();
    REQUIRE_FALSE(taken.has_value());
    CHECK(taken.error().code == ErrorCode::invalid_argument);
    CAPTURE(taken.error().message);
    CHECK(taken.error().message.find(c.says) != std::string::npos);
  }
}

TEST_CASE("a folder is nobody else's before what is in it is looked at") {
  TreeTakeoverFixture f;
  fs::create_directory(f.tree / "a");
  mkfifo((f.tree / "a/b").c_str(), 0644);
  f.give();
  chmod(f.tree.c_str(), 01777);
  chmod((f.tree / "a").c_str(), 0777);
  REQUIRE_FALSE(f.take().has_value());
  for (const auto* name : {"", "a"}) {
    CHECK(f.stat_of(name).st_uid == geteuid());
    CHECK((f.stat_of(name).st_mode & 07777) == 0700);
  }
}

TEST_CASE("another's file in the tree is refused and stays as it was") {
  if (geteuid() != 0) return;  // nobody else's files can be made
  TreeTakeoverFixture f;
  const auto secret = f.folder.write("secret", "x");
  chmod(secret.c_str(), 0600);
  f.give();
  fs::create_hard_link(secret, f.tree / "a");
  const auto taken = f.take();
  REQUIRE_FALSE(taken.has_value());
  CHECK(taken.error().message.find("a belongs to another user") != std::string::npos);
  CHECK((f.stat_of("a").st_mode & 07777) == 0600);
}

TEST_CASE("a tree with a file that somebody can still write to is refused") {
  TreeTakeoverFixture f;
  f.folder.write("tree/a", "x");
  const UniqueFd writer(open((f.tree / "a").c_str(), O_WRONLY));
  f.give();
  const auto taken = f.take();
  REQUIRE_FALSE(taken.has_value());
  CHECK(taken.error().code == ErrorCode::permission_denied);
  CHECK(taken.error().message == "cannot keep a: somebody has it open for writing");
}
