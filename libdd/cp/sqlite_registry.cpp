// The default registry: one SQLite table of (table, key) → JSON text. `sqlite3 registry.db` and json_extract() read it.
#include <sys/stat.h>

#include <mutex>

#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>

#include "dd/registry.hpp"

namespace dd {
namespace {

constexpr int kApplicationId = 0x64646370;  // "ddcp"
constexpr int kBusyMillis = 5'000;

class SqliteRegistry final : public Registry {
 public:
  explicit SqliteRegistry(const std::string& file) : database_(file, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE, kBusyMillis) {
    const int owner = database_.execAndGet("PRAGMA application_id").getInt();
    const bool empty = database_.execAndGet("SELECT count(*) FROM sqlite_master").getInt() == 0;
    if (owner != kApplicationId && !(owner == 0 && empty)) throw SQLite::Exception("the file is another program's database");
    database_.exec(fmt::format("PRAGMA application_id = {}", kApplicationId));
    database_.exec("PRAGMA journal_mode = WAL");
    // FULL: a journalled tunnel name must be on disk before Cloudflare hears it, also when the power goes.
    database_.exec("PRAGMA synchronous = FULL");
    database_.exec("CREATE TABLE IF NOT EXISTS rows (tbl TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (tbl, key)) WITHOUT ROWID");
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
  void write(const RegistryChange& change) {
    if (change.kind == RegistryChange::Kind::erase) {
      SQLite::Statement erase(database_, "DELETE FROM rows WHERE tbl = ? AND key = ?");
      erase.bind(1, change.table);
      erase.bind(2, change.key);
      erase.exec();
      return;
    }
    const bool insert = change.kind == RegistryChange::Kind::insert;
    SQLite::Statement put(database_, insert ? "INSERT INTO rows (tbl, key, value) VALUES (?, ?, ?)"
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
  const auto old_mask = umask(0077);
  const auto opened = [&]() -> Result<std::unique_ptr<Registry>> {
    try {
      return std::make_unique<SqliteRegistry>(file.string());
    } catch (const SQLite::Exception& error) {
      return fail(ErrorCode::unavailable, fmt::format("cannot open registry {}: {}", file.string(), error.what()));
    }
  };
  auto registry = opened();
  umask(old_mask);
  return registry;
}

}  // namespace dd
