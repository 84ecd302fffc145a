#include "libdd/enclave/executable_store.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include "libdd/crypto/digest.hpp"
#include "libdd/enclave/unique_fd.hpp"
#include "tests/support/temp_dir.hpp"

using namespace dd;
using namespace dd::enclave;
namespace fs = std::filesystem;

namespace {

struct ExecutableStoreFixture {
  TempDir folder;
  fs::path programs = folder.path() / "programs";
  fs::path store_dir = folder.path() / "store";
  ExecutableStore store{store_dir, "relative:" + (folder.path() / "missing").string() + "::" + programs.string()};

  ExecutableStoreFixture() {
    fs::create_directories(programs);
    fs::create_directories(store_dir);
  }
  std::string program(const std::string& name, const std::string& content, mode_t mode = 0755) {
    const auto path = folder.write("programs/" + name, content);
    chmod(path.c_str(), mode);
    return path.string();
  }
  [[nodiscard]] std::size_t files() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(store_dir), {}));
  }
};

std::string text_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

TEST_CASE("a program that is larger than any is refused before it is read") {
  ExecutableStoreFixture f;
  const auto path = f.program("endless", "");
  REQUIRE(truncate(path.c_str(), ExecutableStore::kMostBytes + 1) == 0);
  const auto staged = f.store.stage(path);
  REQUIRE_FALSE(staged.has_value());
  CHECK(staged.error().code == ErrorCode::invalid_argument);
  CHECK(staged.error().message == "cannot use program " + path + ": it has more than 2048 MiB");
  CHECK(f.files() == 0);
}

TEST_CASE("an executable is copied under the digest of its bytes") {
  ExecutableStoreFixture f;
  const auto staged = f.store.stage(f.program("tool", "#!/bin/sh\n")).value();
  CHECK(staged.digest == "sha256:" + to_hex(crypto::sha256(as_bytes("#!/bin/sh\n"))));
  CHECK(staged.path.filename() == "sha256-" + staged.digest.substr(7));
  CHECK(text_of(staged.path) == "#!/bin/sh\n");
  CHECK((fs::status(staged.path).permissions() & fs::perms::mask) == static_cast<fs::perms>(0555));
}

TEST_CASE("a name without a slash is looked up in the search path") {
  ExecutableStoreFixture f;
  f.program("tool", "x");
  CHECK(f.store.stage("tool").has_value());
}

TEST_CASE("what is no program is refused") {
  ExecutableStoreFixture f;
  const auto unexecutable = f.program("data", "x", 0644);
  const struct {
    const char* name;
    std::string program;
    ErrorCode code;
  } cases[] = {
      {"missing in the path", "nothing", ErrorCode::not_found},
      {"missing file", "/nonexistent/tool", ErrorCode::not_found},
      {"no execute bit", unexecutable, ErrorCode::not_found},
      {"a folder", f.programs.string(), ErrorCode::not_found},
      {"relative", "./tool", ErrorCode::invalid_argument},
      {"relative to the parent", "../programs/tool", ErrorCode::invalid_argument},
      {"empty", "", ErrorCode::invalid_argument},
      {"a device", "/dev/null", ErrorCode::not_found},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    const auto staged = f.store.stage(c.program);
    REQUIRE_FALSE(staged.has_value());
    CHECK(staged.error().code == c.code);
    CHECK(staged.error().path == "$.cmd[0]");
  }
  CHECK(f.files() == 0);
}

TEST_CASE("a program that changes gets another name, and the old copy stays what it was") {
  ExecutableStoreFixture f;
  const auto before = f.store.stage(f.program("tool", "old")).value();
  const auto after = f.store.stage(f.program("tool", "new")).value();
  CHECK(before.digest != after.digest);
  CHECK(text_of(before.path) == "old");
  CHECK(text_of(after.path) == "new");
}

TEST_CASE("a file that was in the store before is not believed") {
  ExecutableStoreFixture f;
  const auto name = "sha256-" + to_hex(crypto::sha256(as_bytes("good")));
  f.folder.write("store/" + name, "evil");
  CHECK(text_of(f.store.stage(f.program("tool", "good")).value().path) == "good");
}

TEST_CASE("staging the same bytes twice keeps one file, and what nobody uses goes") {
  ExecutableStoreFixture f;
  const auto one = f.store.stage(f.program("one", "same")).value();
  const auto two = f.store.stage(f.program("two", "same")).value();
  const auto other = f.store.stage(f.program("three", "other")).value();
  CHECK(one.path == two.path);
  CHECK(f.files() == 2);
  f.store.retain({one.digest});
  CHECK(fs::exists(one.path));
  CHECK_FALSE(fs::exists(other.path));
  // It is copied anew when it is wanted again.
  CHECK(text_of(f.store.stage(f.program("three", "other")).value().path) == "other");
}

TEST_CASE("a file that somebody can still write to does not become a program") {
  ExecutableStoreFixture f;
  auto file = TemporaryFile::make(f.store_dir).value();
  UniqueFd kept(dup(file.fd()));
  const auto refused = f.store.adopt(std::move(file));
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == ErrorCode::permission_denied);
  CHECK(f.files() == 0);
  kept.reset();
  CHECK(f.store.adopt(TemporaryFile::make(f.store_dir).value()).has_value());
}
