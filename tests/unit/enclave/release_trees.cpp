#include "libdd/enclave/release_trees.hpp"

#include <unistd.h>

#include <doctest/doctest.h>

#include "libdd/core/tree_removal.hpp"
#include "libdd/crypto/digest.hpp"
#include "tests/support/temp_dir.hpp"

using namespace dd;
using namespace dd::enclave;
namespace fs = std::filesystem;

namespace {

const std::string kDigest = "sha256:" + std::string(64, 'a');

struct ReleaseTreesFixture {
  TempDir folder;
  ReleaseTrees trees{folder.path()};

  /// Keeps a tree with these files, executable when their name says so.
  fs::path keep(const std::string& digest, const std::vector<std::string>& files) {
    auto tree = trees.make(geteuid(), getegid()).value();
    for (const auto& file : files) {
      fs::create_directories((tree.path() / file).parent_path());
      std::ofstream(tree.path() / file) << file;
      if (file.ends_with("tool")) fs::permissions(tree.path() / file, fs::perms::owner_all);
    }
    return trees.keep(std::move(tree), geteuid(), digest).value();
  }
  [[nodiscard]] auto entries() const { return std::distance(fs::directory_iterator(folder.path()), {}); }
};

}  // namespace

TEST_CASE("a tree is kept under the digest of its archive until nobody uses it") {
  ReleaseTreesFixture f;
  CHECK(f.trees.find(kDigest).empty());
  const auto path = f.keep(kDigest, {"bin/tool"});
  CHECK(f.trees.find(kDigest) == path);
  CHECK(f.trees.retain({kDigest}).empty());
  CHECK(fs::exists(path / "bin/tool"));
  const auto gone = f.trees.retain({});
  REQUIRE(gone.size() == 1);
  CHECK(f.trees.find(kDigest).empty());
  CHECK_FALSE(fs::exists(path));
  CHECK(remove_tree(gone.front()).has_value());
  CHECK_FALSE(fs::exists(gone.front()));
}

TEST_CASE("a tree that is not kept is gone") {
  ReleaseTreesFixture f;
  {
    const auto tree = f.trees.make(geteuid(), getegid()).value();
    CHECK(f.entries() == 1);
  }
  CHECK(f.entries() == 0);
}

TEST_CASE("of two trees of one archive the first stays, and what an earlier run left is not believed") {
  ReleaseTreesFixture f;
  fs::create_directories(f.folder.path() / ("tree-" + std::string(64, 'a')) / "planted");
  const auto path = f.keep(kDigest, {"first"});
  CHECK_FALSE(fs::exists(path / "planted"));
  CHECK(f.keep(kDigest, {"second"}) == path);
  CHECK(fs::exists(path / "first"));
  CHECK_FALSE(fs::exists(path / "second"));
  CHECK(f.entries() == 1);
}

TEST_CASE("a program of a tree is run from there under the digest of its bytes") {
  ReleaseTreesFixture f;
  const auto tree = f.keep(kDigest, {"bin/tool", "plain"});
  const auto tool = f.trees.program_in(tree, "bin/tool").value();
  CHECK(tool.path == fs::canonical(tree / "bin/tool"));
  CHECK(tool.digest == "sha256:" + to_hex(crypto::sha256(as_bytes("bin/tool"))));
  const auto plain = f.trees.program_in(tree, "plain").value();
  CHECK(access(plain.path.c_str(), X_OK) == 0);
}

TEST_CASE("what is no program of the tree is refused with the names of those that are") {
  ReleaseTreesFixture f;
  f.folder.write("outside", "x");
  const auto tree = f.keep(kDigest, {"bin/tool", "text"});
  fs::create_symlink("../outside", tree / "link");
  for (const auto* name : {"absent", "bin", "link", "../outside", ""}) {
    CAPTURE(name);
    const auto program = f.trees.program_in(tree, name);
    REQUIRE_FALSE(program.has_value());
    CHECK(program.error().code == ErrorCode::not_found);
    CHECK(program.error().path == "$.github_release.rename");
    CHECK(program.error().message.find("its programs are bin/tool") != std::string::npos);
  }
}
