#include <sys/stat.h>

#include <atomic>
#include <thread>

#include <SQLiteCpp/SQLiteCpp.h>
#include <doctest/doctest.h>

#include "dd/registry.hpp"
#include "tests/support/temp_dir.hpp"

using namespace dd;

namespace {

using Kind = RegistryChange::Kind;
using Changes = std::vector<RegistryChange>;

struct Opened {
  TempDir dir;
  std::filesystem::path file = dir.path() / "registry.db";
  std::unique_ptr<Registry> registry = open_sqlite_registry(file).value();

  void put(std::string key, std::string value) {
    const Changes changes{{Kind::put, "agents", std::move(key), std::move(value)}};
    REQUIRE(registry->apply(changes).has_value());
  }
  [[nodiscard]] std::optional<std::string> get(std::string_view key) const {
    return registry->get("agents", key).value();
  }
  void reopen() {
    registry.reset();
    registry = open_sqlite_registry(file).value();
  }
};

void check_not_opened(const std::filesystem::path& file) {
  const auto registry = open_sqlite_registry(file);
  REQUIRE_FALSE(registry.has_value());
  CHECK(registry.error().code == ErrorCode::unavailable);
  CHECK(registry.error().message.starts_with("cannot open registry " + file.string()));
}

}  // namespace

TEST_CASE("a row is there after it was put, and after the file was opened again") {
  Opened f;
  const std::string odd("\"'; DROP TABLE rows;\n\0 \xc3\xa4", 25);
  f.put(odd, odd);
  CHECK(f.get(odd) == odd);
  f.reopen();
  CHECK(f.get(odd) == odd);
  CHECK_FALSE(f.get("another").has_value());
}

TEST_CASE("a table lists its own rows by key") {
  Opened f;
  const Changes changes{
      {Kind::put, "agents", "b", "2"}, {Kind::put, "agents", "a", "1"}, {Kind::put, "other", "c", "3"}};
  REQUIRE(f.registry->apply(changes).has_value());
  const std::vector<std::pair<std::string, std::string>> rows{{"a", "1"}, {"b", "2"}};
  CHECK(f.registry->list("agents").value() == rows);
  CHECK(f.registry->list("nothing").value().empty());
}

TEST_CASE("put replaces, erase of an absent row is fine, insert finds its key taken") {
  Opened f;
  f.put("a", "old");
  f.put("a", "new");
  CHECK(f.get("a") == "new");

  const Changes again{{Kind::insert, "agents", "a", "newest"}};
  const auto inserted = f.registry->apply(again);
  REQUIRE_FALSE(inserted.has_value());
  CHECK(inserted.error().code == ErrorCode::conflict);
  CHECK(f.get("a") == "new");

  const Changes erased{{Kind::erase, "agents", "a", {}}, {Kind::erase, "agents", "a", {}}};
  REQUIRE(f.registry->apply(erased).has_value());
  CHECK_FALSE(f.get("a").has_value());
}

TEST_CASE("of a group of changes with a conflict none is made") {
  Opened f;
  f.put("taken", "1");
  const Changes changes{{Kind::put, "agents", "new", "2"},
                        {Kind::erase, "agents", "taken", {}},
                        {Kind::insert, "agents", "fresh", "3"},
                        {Kind::insert, "agents", "fresh", "4"}};
  const auto applied = f.registry->apply(changes);
  REQUIRE_FALSE(applied.has_value());
  CHECK(applied.error().code == ErrorCode::conflict);
  CHECK(f.get("taken") == "1");
  CHECK_FALSE(f.get("new").has_value());
  CHECK_FALSE(f.get("fresh").has_value());
}

TEST_CASE("of two processes that spend one nonce exactly one succeeds") {
  Opened f;
  const auto second = open_sqlite_registry(f.file).value();
  std::atomic<int> spent = 0;
  std::atomic<int> refused = 0;
  const auto spend = [&](Registry& registry) {
    for (int nonce = 0; nonce < 25; ++nonce) {
      const Changes change{{Kind::insert, "spent_nonces", std::to_string(nonce), "1"}};
      const auto done = registry.apply(change);
      if (done) ++spent;
      if (!done && done.error().code == ErrorCode::conflict) ++refused;
    }
  };
  std::thread other(spend, std::ref(*second));
  spend(*f.registry);
  other.join();
  CHECK(spent == 25);
  CHECK(refused == 25);
}

TEST_CASE("a change by one process is seen by another at once") {
  Opened f;
  const auto second = open_sqlite_registry(f.file).value();
  f.put("a", "1");
  CHECK(second->get("agents", "a").value() == "1");
}

TEST_CASE("nobody but its owner reads the registry") {
  Opened f;
  f.put("a", "1");
  for (const std::string suffix : {"", "-wal", "-shm"}) {
    CAPTURE(suffix);
    struct stat info{};
    REQUIRE(::stat((f.file.string() + suffix).c_str(), &info) == 0);
    CHECK((info.st_mode & 0777) == 0600);
  }
}

TEST_CASE("opening a registry leaves the process's file mode mask as it was") {
  const auto before = umask(0027);
  const Opened f;
  CHECK(umask(before) == 0027);
}

TEST_CASE("a file that is not our database is refused and left as it is") {
  const TempDir dir;
  SUBCASE("no database at all") { check_not_opened(dir.write("registry.db", std::string(4096, 'x'))); }
  SUBCASE("a directory") { check_not_opened(dir.path()); }
  SUBCASE("in a directory that does not exist") { check_not_opened(dir.path() / "missing" / "registry.db"); }
  SUBCASE("another program's database") {
    const auto file = dir.path() / "theirs.db";
    SQLite::Database(file.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE)
        .exec("CREATE TABLE theirs (a INTEGER)");
    check_not_opened(file);
    SQLite::Database theirs(file.string());
    CHECK(theirs.execAndGet("PRAGMA application_id").getInt() == 0);
    CHECK_FALSE(theirs.tableExists("rows"));
  }
  SUBCASE("another program's empty database") {
    const auto file = dir.path() / "theirs.db";
    SQLite::Database(file.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE).exec("PRAGMA application_id = 77");
    check_not_opened(file);
  }
}

TEST_CASE("a database that is damaged while it is open answers unavailable") {
  Opened f;
  f.put("a", "1");
  SQLite::Database(f.file.string(), SQLite::OPEN_READWRITE).exec("DROP TABLE rows");
  const auto row = f.registry->get("agents", "a");
  REQUIRE_FALSE(row.has_value());
  CHECK(row.error().code == ErrorCode::unavailable);
  const Changes change{{Kind::put, "agents", "a", "2"}};
  const auto applied = f.registry->apply(change);
  REQUIRE_FALSE(applied.has_value());
  CHECK(applied.error().code == ErrorCode::unavailable);
}
