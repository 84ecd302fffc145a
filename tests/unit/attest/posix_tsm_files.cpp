#include <unistd.h>

#include <doctest/doctest.h>

#include "libdd/attest/tsm_files.hpp"
#include "tests/support/temp_dir.hpp"

using namespace dd;

TEST_CASE("a file is read whole, or as far as asked") {
  const TempDir dir;
  const auto files = attest::make_posix_tsm_files();
  const std::string text(100'000, 'x');
  const auto file = dir.write("outblob", text);
  CHECK(as_text(files->read(file, 1 << 20).value()) == text);
  CHECK(files->read(file, 48).value().size() == 48);
  CHECK(files->read(dir.write("empty", ""), 48).value().empty());
  CHECK(files->read(dir.path() / "absent", 48).error() == ENOENT);
}

TEST_CASE("a write goes to a file that is there, as one piece") {
  const TempDir dir;
  const auto files = attest::make_posix_tsm_files();
  const auto file = dir.write("inblob", "before, and longer");
  REQUIRE(files->write(file, as_bytes("after ")).has_value());
  CHECK(as_text(files->read(file, 100).value()) ==
        "after , and longer");  // nothing is truncated: attributes are no files
  CHECK(files->write(dir.path() / "absent", as_bytes("x")).error() == ENOENT);
  CHECK_FALSE(std::filesystem::exists(dir.path() / "absent"));
  CHECK(files->writable(file));
  CHECK_FALSE(files->writable(dir.path() / "absent"));
  CHECK(files->write("/dev/full", as_bytes("x")).error() == ENOSPC);
}

TEST_CASE("folders are made once, listed, and removed only when they are empty") {
  const TempDir dir;
  const auto files = attest::make_posix_tsm_files();
  const auto entry = dir.path() / "dd-1-a";
  REQUIRE(files->make_directory(entry).has_value());
  CHECK(files->make_directory(entry).error() == EEXIST);
  CHECK(files->list(dir.path()).value() == std::vector<std::string>{"dd-1-a"});
  const auto file = dir.write("dd-1-a/file", "");
  CHECK(files->remove_directory(entry).error() == ENOTEMPTY);
  CHECK(std::filesystem::exists(file));
  std::filesystem::remove(file);
  CHECK(files->remove_directory(entry).has_value());
  CHECK(files->remove_directory(entry).error() == ENOENT);
  CHECK(files->list(entry).error() == ENOENT);
}

TEST_CASE("this process is running") {
  CHECK(attest::make_posix_tsm_files()->is_running(::getpid()));
  // Larger than any process id may be.
  CHECK_FALSE(attest::make_posix_tsm_files()->is_running(1 << 30));
}
