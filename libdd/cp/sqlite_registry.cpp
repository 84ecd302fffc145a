// The default registry: one SQLite table of (table, key) → JSON text. `sqlite3 registry.db` and json_extract() read it.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <mutex>
#include <system_error>

#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>

#include "dd/registry.hpp"

namespace dd {
namespace {

constexpr int kApplicationId = 0x64646370;  // "ddcp"
constexpr int kBusyMillis = 5'000;

class SqliteRegistry final : public Registry {
 public:
  explicit SqliteRegistry(const std::string& file)
      : database_(file, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE, kBusyMillis) {
    const int owner = database_.execAndGet("PRAGMA application_id").getInt();
    const bool empty = database_.execAndGet("SELECT count(*) FROM sqlite_master").getInt() == 0;
    if (owner != kApplicationId && !(owner == 0 && empty))
      throw SQLite::Exception("the file is another program's database");
    // The schema need not be on disk before the first row is, which takes it along.
    database_.exec("PRAGMA synchronous = NORMAL");
    database_.exec("PRAGMA journal_mode = WAL");
    if (empty) create_schema();
    // FULL: a journalled tunnel name must be on disk before Cloudflare hears it, also when the power goes.
    database_.exec("PRAGMA synchronous = FULL");
  }

  Result<std::optional<std::string>> get(std::string_view table, std::string_view key) override {
    return guarded<std::optional<std::string>>("cannot read the registry", [&]() -> std::optional<std::string> {
      SQLite::Statement query(database_, "SELECT value FROM rows WHERE tbl = ? AND key = ?");
      query.bind(1, std::string(table));
      query.bind(2, std::string(key));
      if (!query.executeStep()) return std::nullopt;
      return query.getColumn(0).getString();
    });
  }

  Result<std::vector<std::pair<std::string, std::string>>> list(std::string_view table) override {
    using Rows = std::vector<std::pair<std::string, std::string>>;
    return guarded<Rows>("cannot read the registry", [&] {
      SQLite::Statement query(database_, "SELECT key, value FROM rows WHERE tbl = ? ORDER BY key");
      query.bind(1, std::string(table));
      Rows rows;
      while (query.executeStep()) rows.emplace_back(query.getColumn(0).getString(), query.getColumn(1).getString());
      return rows;
    });
  }

  Result<void> apply(std::span<const RegistryChange> changes) override {
    const auto done = guarded<bool>("cannot write the registry", [&] {
      SQLite::Transaction transaction(database_);
      for (const auto& change : changes) write(change);
      transaction.commit();
      return true;
    });
    if (!done) return tl::unexpected(done.error());
    return {};
  }

 private:
  void create_schema() {
    database_.exec(
        fmt::format("BEGIN IMMEDIATE; PRAGMA application_id = {};"
                    "CREATE TABLE IF NOT EXISTS rows (tbl TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, "
                    "PRIMARY KEY (tbl, key)) WITHOUT ROWID;"
                    "COMMIT",
                    kApplicationId));
  }

  void write(const RegistryChange& change) {
    if (change.kind == RegistryChange::Kind::erase) {
      SQLite::Statement erase(database_, "DELETE FROM rows WHERE tbl = ? AND key = ?");
      erase.bind(1, change.table);
      erase.bind(2, change.key);
      erase.exec();
      return;
    }
    const bool insert = change.kind == RegistryChange::Kind::insert;
    SQLite::Statement put(
        database_,
        insert
            ? "INSERT INTO rows (tbl, key, value) VALUES (?, ?, ?)"
            : "INSERT INTO rows (tbl, key, value) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value");
    put.bind(1, change.table);
    put.bind(2, change.key);
    put.bind(3, change.value);
    put.exec();
  }

  /// SQLiteCpp throws; nothing of it leaves this file.
  template <class T, class F>
  Result<T> guarded(const char* what, F&& work) {
    const std::lock_guard lock(mutex_);
    try {
      return work();
    } catch (const SQLite::Exception& error) {
      const bool taken = error.getErrorCode() == kConstraint;
      return fail(taken ? ErrorCode::conflict : ErrorCode::unavailable, fmt::format("{}: {}", what, error.what()));
    }
  }

  static constexpr int kConstraint = 19;  // SQLITE_CONSTRAINT
  std::mutex mutex_;
  SQLite::Database database_;
};

}  // namespace

Result<std::unique_ptr<Registry>> open_sqlite_registry(const std::filesystem::path& file) {
  const auto what = fmt::format("cannot open registry {}: ", file.string());
  // SQLite gives its -wal and -shm files the mode of the file that they belong to. O_EXCL: to close a file that is in use would drop its locks.
  const int made = ::open(file.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (made >= 0)
    ::close(made);
  else if (errno != EEXIST)
    return fail(ErrorCode::unavailable, what + std::generic_category().message(errno));
  try {
    return std::make_unique<SqliteRegistry>(file.string());
  } catch (const SQLite::Exception& error) {
    return fail(ErrorCode::unavailable, what + error.what());
  }
}

}  // namespace dd
