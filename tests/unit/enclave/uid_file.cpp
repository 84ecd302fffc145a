#include "libdd/enclave/uid_file.hpp"

#include <sys/stat.h>

#include <doctest/doctest.h>

#include "tests/support/temp_dir.hpp"

using namespace dd;
using namespace dd::enclave;

TEST_CASE("uids are read back as they were written, for the same base") {
  const TempDir folder;
  const auto file = folder.path() / "uids.json";
  const UidsByApp uids{{"hello", 200001}, {".guest-0", 200002}, {"dd-agent", 200995}};
  write_uids(file, 200000, {{"hello", 200007}});
  write_uids(file, 200000, uids);
  CHECK(read_uids(file, 200000) == uids);
  CHECK(read_uids(file, 300000).empty());
  struct stat info{};
  REQUIRE(stat(file.c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0600);
}

TEST_CASE("a file that nobody of us wrote gives nobody a uid") {
  const TempDir folder;
  CHECK(read_uids(folder.path() / "missing", 5000).empty());
  for (const auto* text :
       {"", "{", "[]", R"({"base":5000})", R"({"base":5000,"apps":[]})", R"({"base":5000,"apps":{"a":0}})",
        R"({"base":5000,"apps":{"a":5000}})", R"({"base":5000,"apps":{"a":5996}})",
        R"({"base":5000,"apps":{"a":"5001"}})", R"({"base":5000,"apps":{"a":5001,"b":5001}})"}) {
    CAPTURE(text);
    CHECK(read_uids(folder.write("uids.json", text), 5000).empty());
  }
  CHECK(read_uids(folder.path(), 5000).empty());
}
