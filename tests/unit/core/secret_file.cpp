#include "libdd/core/secret_file.hpp"

#include <fstream>

#include <doctest/doctest.h>

#include "tests/support/temp_dir.hpp"

using namespace dd;

TEST_CASE("read_secret_file cuts the white space around the secret") {
  const TempDir dir;
  CHECK(read_secret_file(dir.write("token", "\n s3cret word \r\n")).value().reveal() == "s3cret word");
}

TEST_CASE("read_secret_file names the file and never its content") {
  const TempDir dir;
  const struct {
    const char* name;
    std::filesystem::path path;
    std::string problem;
  } cases[] = {
      {"no file", dir.path() / "none", "No such file or directory"},
      {"a folder", dir.path(), "Is a directory"},
      {"only white space", dir.write("blank", " \n"), "it is empty"},
      {"too large", dir.write("large", std::string(64 * 1024 + 1, 'x')), "larger than 65536 bytes"},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    const auto secret = read_secret_file(c.path);
    REQUIRE_FALSE(secret.has_value());
    CHECK(secret.error().code == ErrorCode::invalid_argument);
    CHECK(secret.error().message == "cannot read secret file " + c.path.string() + ": " + c.problem);
  }
}

TEST_CASE("read_secret_file takes the largest file that it allows") {
  const TempDir dir;
  CHECK(read_secret_file(dir.write("most", std::string(64 * 1024, 'x'))).value().reveal().size() == 64 * 1024);
}
