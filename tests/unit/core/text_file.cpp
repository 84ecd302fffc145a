#include "libdd/core/text_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <thread>

#include <doctest/doctest.h>

#include "tests/support/check_error.hpp"
#include "tests/support/temp_dir.hpp"

using namespace dd;

TEST_CASE("a file is read as it is, up to the size that is allowed") {
  const TempDir dir;
  const std::string bytes("a\0\n\xff", 4);
  CHECK(read_text_file(dir.write("bytes", bytes), 4).value() == bytes);
  CHECK(read_text_file(dir.write("empty", ""), 0).value().empty());
  test::check_error(read_text_file(dir.write("long", std::string(2049, 'x')), 2048), ErrorCode::too_large, "",
                    "larger than 2 KiB");
}

TEST_CASE("what cannot be read is named with the reason") {
  const TempDir dir;
  const auto file = dir.write("file", "text");
  test::check_error(read_text_file(dir.path() / "none", 10), ErrorCode::not_found, "",
                    (dir.path() / "none").string() + ": No such file or directory");
  test::check_error(read_text_file(file / "below", 10), ErrorCode::not_found, "", "Not a directory");
  test::check_error(read_text_file(dir.path(), 10), ErrorCode::invalid_argument, "", "Is a directory");
  test::check_error(read_text(-1, "standard input", 10), ErrorCode::invalid_argument, "",
                    "cannot read standard input: Bad file descriptor");
}

TEST_CASE("a pipe is read to its end, however it arrives") {
  const TempDir dir;
  const auto pipe = dir.path() / "pipe";
  REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
  std::jthread writer([&pipe] {
    const int end = open(pipe.c_str(), O_WRONLY | O_CLOEXEC);
    for (const std::string_view part : {"a", "bc", "def"}) CHECK(write(end, part.data(), part.size()) > 0);
    close(end);
  });
  CHECK(read_text_file(pipe, 100).value() == "abcdef");
}
