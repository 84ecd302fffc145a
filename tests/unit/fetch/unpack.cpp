#include "libdd/fetch/unpack.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include "tests/support/temp_dir.hpp"
#include "tests/unit/fetch/archive_builder.hpp"

using namespace dd;
using namespace dd::fetch;
using test::ArchiveBuilder;
namespace fs = std::filesystem;

namespace {

constexpr UnpackLimits kLimits{1024 * 1024, 100};

struct UnpackFixture {
  TempDir home;
  fs::path tree = home.path() / "tree";
  std::int64_t reported = 0;

  UnpackFixture() { fs::create_directory(tree); }

  Result<void> unpack(const std::string& archive, const UnpackLimits& limits = kLimits) {
    const int file = open(home.write("archive", archive).c_str(), O_RDONLY);
    const int folder = open(tree.c_str(), O_RDONLY | O_DIRECTORY);
    auto done = fetch::unpack(file, folder, limits, [this](std::int64_t bytes) { reported = bytes; });
    close(file);
    close(folder);
    return done;
  }
  [[nodiscard]] std::string text(const fs::path& name) const {
    std::ifstream file(tree / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  [[nodiscard]] mode_t mode(const fs::path& name) const {
    struct stat info{};
    REQUIRE(lstat((tree / name).c_str(), &info) == 0);
    return info.st_mode & 07777;
  }
  /// Whatever the archive tried, nothing but this is in the folder of the test.
  [[nodiscard]] bool nothing_escaped() const { return std::distance(fs::directory_iterator(home.path()), {}) == 2; }
};

}  // namespace

TEST_CASE("an archive's files, folders and links come out, with content and whether they can be executed") {
  UnpackFixture f;
  ArchiveBuilder archive;
  archive.folder("tool-1/")
      .folder("tool-1/empty")
      .file("./tool-1//bin/tool", "program", 04755)
      .file("tool-1/README", "text", 0600);
  archive.link("tool-1/latest", "bin/tool")
      .link("tool-1/bin/up", "../README")
      .second_name("tool-1/again", "tool-1/bin/tool");
  REQUIRE(f.unpack(archive.bytes()).has_value());
  CHECK(f.text("tool-1/bin/tool") == "program");
  CHECK((f.mode("tool-1/bin/tool") & 06111) == 0111);  // no setuid bit
  CHECK((f.mode("tool-1/README") & 0111) == 0);
  CHECK(fs::is_directory(f.tree / "tool-1/empty"));
  CHECK(fs::read_symlink(f.tree / "tool-1/latest") == "bin/tool");
  CHECK(f.text("tool-1/bin/up") == "text");
  CHECK(f.text("tool-1/again") == "program");
}

TEST_CASE("a later member of the same name takes the place of a file or link, never of what the link leads to") {
  UnpackFixture f;
  ArchiveBuilder archive;
  archive.file("a", "first").file("a", "second").file("kept", "kept").link("b", "kept").file("b", "own");
  REQUIRE(f.unpack(archive.bytes()).has_value());
  CHECK(f.text("a") == "second");
  CHECK(f.text("b") == "own");
  CHECK(f.text("kept") == "kept");
}

TEST_CASE("an archive with a member that leads out of it, or may, is refused") {
  const struct {
    const char* name;
    void (*add)(ArchiveBuilder&);
    const char* says;
  } cases[] = {
      {"absolute file", [](auto& a) { a.file("/tmp/dd-escaped", "x"); }, "is absolute"},
      {"file above", [](auto& a) { a.file("../escaped", "x"); }, "has \"..\""},
      {"file above by way of a folder", [](auto& a) { a.folder("a").file("a/../../escaped", "x"); }, "has \"..\""},
      {"folder above", [](auto& a) { a.folder("../escaped"); }, "has \"..\""},
      {"absolute link", [](auto& a) { a.link("a", "/etc"); }, "leads out"},
      {"link above", [](auto& a) { a.link("a", ".."); }, "leads out"},
      {"link above from a folder", [](auto& a) { a.link("a/b", "../../c"); }, "leads out"},
      {"link that comes back through the middle", [](auto& a) { a.link("a", "b/../c"); }, "leads out"},
      {"file through a link", [](auto& a) { a.folder("b").link("a", "b").file("a/escaped", "x"); },
       "cannot unpack a/escaped"},
      {"folder through a link", [](auto& a) { a.folder("b").link("a", "b").folder("a/c"); }, "cannot unpack a/c"},
      {"link in place of a folder", [](auto& a) { a.folder("a").link("a", "b"); }, "cannot unpack a"},
      {"file in place of a folder", [](auto& a) { a.folder("a").file("a", "x"); }, "cannot unpack a"},
      {"second name of what is outside", [](auto& a) { a.second_name("a", "../archive"); }, "has \"..\""},
      {"second name of an absolute path", [](auto& a) { a.second_name("a", "/etc/passwd"); }, "is absolute"},
      {"second name of a link", [](auto& a) { a.link("b/c", "../x").second_name("a", "b/c"); },
       "links to what is no file"},
      {"second name of nothing", [](auto& a) { a.second_name("a", "b"); }, "cannot unpack a"},
      {"second name of itself", [](auto& a) { a.file("a", "x").second_name("a", "a"); }, "links to itself"},
      {"device", [](auto& a) { a.special("a", AE_IFCHR); }, "no file, folder or link"},
      {"FIFO", [](auto& a) { a.special("a", AE_IFIFO); }, "no file, folder or link"},
      {"control character", [](auto& a) { a.file("a\nb", "x"); }, "control character"},
      {"a name too long", [](auto& a) { a.file(std::string(256, 'x').c_str(), "x"); }, "over 255 bytes"},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    UnpackFixture f;
    ArchiveBuilder archive;
    c.add(archive);
    const auto done = f.unpack(archive.bytes());
    REQUIRE_FALSE(done.has_value());
    CHECK(to_string(done.error().code) == to_string(ErrorCode::invalid_argument));
    CAPTURE(done.error().message);
    CHECK(done.error().message.find(c.says) != std::string::npos);
    CHECK(f.nothing_escaped());
    CHECK_FALSE(fs::exists("/tmp/dd-escaped"));
  }
}

TEST_CASE("an archive that grows over the limits is given up, with no more on the disk than they allow") {
  const struct {
    const char* name;
    void (*add)(ArchiveBuilder&);
  } cases[] = {
      {"a file that compresses well", [](auto& a) { a.file("a", std::string(64 << 20, '\0')); }},
      {"many files",
       [](auto& a) {
         for (int i = 0; i < 20; ++i) a.file(std::to_string(i).c_str(), std::string(100'000, 'x'));
       }},
      {"the same name again and again",
       [](auto& a) {
         for (int i = 0; i < 20; ++i) a.file("a", std::string(100'000, 'x'));
       }},
      {"a file with holes", [](auto& a) { a.sparse("a", 8 << 20); }},
      {"too many members",
       [](auto& a) {
         for (int i = 0; i < 101; ++i) a.file(std::to_string(i).c_str(), "");
       }},
      {"a file below too many folders",
       [](auto& a) {
         for (int i = 0; i < 2; ++i) {
           std::string path = std::to_string(i);
           for (int depth = 0; depth < 60; ++depth) path += "/d";
           a.file((path + "/f").c_str(), "");
         }
       }},
      {"the same folder too often",
       [](auto& a) {
         for (int i = 0; i < 101; ++i) a.folder("a");
       }},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    UnpackFixture f;
    ArchiveBuilder archive;
    c.add(archive);
    const auto done = f.unpack(archive.bytes());
    REQUIRE_FALSE(done.has_value());
    CHECK(to_string(done.error().code) == to_string(ErrorCode::too_large));
    std::uintmax_t bytes = 0;
    for (const auto& entry : fs::recursive_directory_iterator(f.tree))
      if (entry.is_regular_file()) bytes += entry.file_size();
    CHECK(bytes <= static_cast<std::uintmax_t>(kLimits.max_bytes));
  }
}

TEST_CASE("exactly as much as the limits allow is unpacked") {
  UnpackFixture f;
  ArchiveBuilder archive;
  archive.file("a", std::string(1000, 'x')).file("b", std::string(24, 'y'));
  CHECK(f.unpack(archive.bytes(), {1024, 2}).has_value());
}

TEST_CASE("what is no archive, or a damaged one, is refused") {
  ArchiveBuilder archive;
  archive.file("a", std::string(10'000, 'x') + "end").file("b", "x");
  const auto whole = archive.bytes();
  auto flipped = whole;
  flipped[flipped.size() / 2] = static_cast<char>(flipped[flipped.size() / 2] ^ 0x55);
  const struct {
    const char* name;
    std::string bytes;
  } cases[] = {
      {"empty", ""},
      {"text", "not an archive, but a page that says so"},
      {"without its end", whole.substr(0, whole.size() / 2)},
      {"damaged", flipped},
      {"archive without members", ArchiveBuilder().bytes()},
      {"zip", std::string("PK\x03\x04", 4) + std::string(100, '\0')},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    UnpackFixture f;
    const auto done = f.unpack(c.bytes);
    REQUIRE_FALSE(done.has_value());
    CHECK(to_string(done.error().code) == to_string(ErrorCode::invalid_argument));
    CHECK(done.error().message.starts_with("cannot unpack archive"));
  }
}

TEST_CASE("progress is told while a large archive is unpacked") {
  UnpackFixture f;
  ArchiveBuilder archive;
  archive.file("a", std::string(20 << 20, 'x'));
  REQUIRE(f.unpack(archive.bytes(), {32 << 20, 1}).has_value());
  CHECK(f.reported >= 16 << 20);
}
