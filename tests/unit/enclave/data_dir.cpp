#include "libdd/enclave/data_dir.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include "tests/support/temp_dir.hpp"

using namespace dd;
using namespace dd::enclave;
namespace fs = std::filesystem;

TEST_CASE("a data directory has one runtime") {
  const TempDir folder;
  auto first = DataDir::open(folder.path() / "data", false);
  REQUIRE(first.has_value());
  const auto second = DataDir::open(folder.path() / "data", false);
  REQUIRE_FALSE(second.has_value());
  CHECK(second.error().code == ErrorCode::conflict);
  first = fail(ErrorCode::internal, "closed");
  CHECK(DataDir::open(folder.path() / "data", false).has_value());
}

TEST_CASE("a folder closed to other users cannot hold what they are to execute") {
  const TempDir folder;  // 0700
  const auto data = DataDir::open(folder.path() / "data", true);
  REQUIRE_FALSE(data.has_value());
  CHECK(data.error().code == ErrorCode::invalid_argument);
  CHECK(data.error().message.find(folder.path().string() + " is closed") != std::string::npos);
  chmod(folder.path().c_str(), 0711);
  CHECK(DataDir::open(folder.path() / "data", true).has_value());
}

TEST_CASE("an app's folder is its own and keeps what is in it") {
  const TempDir folder;
  const auto data = DataDir::open(folder.path() / "data", false).value();
  const auto work = data.make_work("app", geteuid(), getegid()).value();
  std::ofstream(work / "state") << "kept";
  CHECK((fs::status(work).permissions() & fs::perms::mask) == fs::perms::owner_all);
  CHECK(data.make_work("app", geteuid(), getegid()).value() == work);
  CHECK(fs::exists(work / "state"));
  const auto other = data.make_work("app", geteuid() + 1, getegid());
  REQUIRE_FALSE(other.has_value());
  CHECK(other.error().code == ErrorCode::conflict);
}

TEST_CASE("a folder that was made and not given away when power went is given to its app" *
          doctest::skip(geteuid() != 0)) {
  const TempDir folder;
  const auto data = DataDir::open(folder.path() / "data", false).value();
  constexpr uid_t kApp = 5001;
  for (const auto* app : {"empty", "used"}) REQUIRE(fs::create_directory(data.work(app)));
  std::ofstream(data.work("used") / "state") << "of a privileged run";
  const auto work = data.make_work("empty", kApp, kApp).value();
  struct stat info{};
  REQUIRE(stat(work.c_str(), &info) == 0);
  CHECK(info.st_uid == kApp);
  CHECK(data.make_work("used", kApp, kApp).error().code == ErrorCode::conflict);
}

TEST_CASE("a link in place of an app's folder is not followed") {
  const TempDir folder;
  const auto data = DataDir::open(folder.path() / "data", false).value();
  fs::create_directory_symlink("/", data.work("app"));
  CHECK_FALSE(data.make_work("app", geteuid(), getegid()).has_value());
  CHECK(data.set_aside("app").empty());
  CHECK(fs::exists("/proc"));
  CHECK_FALSE(fs::is_symlink(data.work("app")));
}

TEST_CASE("a folder that is set aside leaves its name free at once") {
  const TempDir folder;
  const auto data = DataDir::open(folder.path() / "data", false).value();
  const auto work = data.make_work("app", geteuid(), getegid()).value();
  std::ofstream(work / "state") << "x";
  const auto aside = data.set_aside("app");
  CHECK_FALSE(fs::exists(work));
  CHECK(fs::exists(aside / "state"));
  CHECK(fs::is_empty(data.make_work("app", geteuid(), getegid()).value()));
  CHECK(data.set_aside("nothing").empty());
  // What was not removed in time is the next run's to remove.
  CHECK(data.clear({"app"}) == std::vector{aside});
}

TEST_CASE("what an earlier run left goes, except for the boot workloads' folders") {
  const TempDir folder;
  const auto data = DataDir::open(folder.path() / "data", false).value();
  for (const char* app : {"dd-cp", "hello"}) REQUIRE(data.make_work(app, geteuid(), getegid()).has_value());
  std::ofstream(data.store() / "sha256-old") << "x";
  CHECK(data.clear({"dd-cp"}).size() == 1);
  CHECK(fs::exists(data.work("dd-cp")));
  CHECK_FALSE(fs::exists(data.work("hello")));
  CHECK(fs::is_empty(data.store()));
}
