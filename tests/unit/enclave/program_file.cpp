#include "libdd/enclave/program_file.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include "tests/support/check_error.hpp"
#include "tests/support/temp_dir.hpp"

using namespace dd;
using namespace dd::enclave;
namespace fs = std::filesystem;

namespace {

constexpr uid_t kOther = 4321;

/// `ours` and `theirs`, each with a program of its own, that only its owner may read and run.
struct ProgramFixture {
  TempDir home;
  fs::path ours = home.path() / "ours";
  fs::path theirs = home.path() / "theirs";

  ProgramFixture() {
    for (const auto& folder : {ours, theirs}) fs::create_directory(folder);
    for (const auto* file : {"ours/tool", "theirs/tool"}) chmod(home.write(file, file).c_str(), 0700);
    give(theirs);
    give(theirs / "tool");
  }
  void give(const fs::path& path) const { REQUIRE(lchown(path.c_str(), kOther, kOther) == 0); }
  void link(const fs::path& target, const fs::path& name, bool is_theirs) const {
    fs::create_symlink(target, name);
    if (is_theirs) give(name);
  }
};

std::string program_in(const Result<UniqueFd>& file) {
  REQUIRE_MESSAGE(file.has_value(), file.error().message);
  char text[16] = {};
  return {text, static_cast<std::size_t>(read(file->get(), text, sizeof text))};
}

}  // namespace

TEST_CASE("programs are found in anybody's folder, and through links that are ours" * doctest::skip(geteuid() != 0)) {
  const ProgramFixture f;
  f.link(f.ours / "tool", f.home.path() / "absolute", false);
  f.link("ours/../ours/tool", f.home.path() / "relative", false);
  f.link("theirs", f.home.path() / "to-theirs", false);
  f.link("tool", f.theirs / "inside", true);
  CHECK(program_in(open_program(f.ours / "tool")) == "ours/tool");
  CHECK(program_in(open_program(f.home.path() / "absolute")) == "ours/tool");
  CHECK(program_in(open_program(f.home.path() / "./ours/../relative")) == "ours/tool");
  CHECK(program_in(open_program(f.home.path() / "to-theirs/tool")) == "theirs/tool");
  CHECK(program_in(open_program(f.theirs / "inside")) == "theirs/tool");
  chmod((f.ours / "tool").c_str(), 0755);
  fs::create_hard_link(f.ours / "tool", f.theirs / "readable");
  CHECK(program_in(open_program(f.theirs / "readable")) == "ours/tool");
}

TEST_CASE("nobody has a file opened for him that he may not read" * doctest::skip(geteuid() != 0)) {
  const ProgramFixture f;
  f.link(f.ours / "tool", f.theirs / "absolute", true);
  f.link("../ours/tool", f.theirs / "relative", true);
  f.link("../ours", f.theirs / "folder", true);
  f.link(f.ours / "tool", f.theirs / "by-us", false);
  f.link("/proc/self/exe", f.theirs / "magic", true);
  f.link(f.ours / "tool", f.ours / "theirs-in-ours", true);
  f.link("theirs/absolute", f.home.path() / "to-a-link", false);
  fs::create_hard_link(f.ours / "tool", f.theirs / "hard");
  for (const auto* path : {"theirs/absolute", "theirs/relative", "theirs/folder/tool", "theirs/by-us", "theirs/magic",
                           "theirs/../ours/theirs-in-ours", "ours/theirs-in-ours", "to-a-link", "theirs/hard"}) {
    CAPTURE(path);
    test::check_error(open_program(f.home.path() / path), ErrorCode::permission_denied, {}, "cannot use program ");
  }
}

TEST_CASE("what is no program is not found, wherever it is" * doctest::skip(geteuid() != 0)) {
  const ProgramFixture f;
  for (const auto& folder : {f.ours, f.theirs}) {
    f.home.write(folder.filename().string() + "/text", "x");
    fs::create_symlink("loop", folder / "loop");
    fs::create_directory(folder / "folder");
    REQUIRE(mkfifo((folder / "fifo").c_str(), 0755) == 0);
    for (const auto* name : {"missing", "text", "folder", "fifo", "tool/below", "", "folder/missing"}) {
      CAPTURE(folder / name);
      test::check_error(open_program(folder / name), ErrorCode::not_found, {}, "no executable file is there");
    }
  }
  test::check_error(open_program(f.ours / "loop"), ErrorCode::not_found);
}
