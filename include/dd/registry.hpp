// Where a control plane keeps what must survive it. Small on purpose: implement three calls and bring your own store.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dd/error.hpp"

namespace dd {

/// One change of one row. Rows are JSON texts under a key in a named table.
struct RegistryChange {
  enum class Kind {
    insert,  ///< conflict when the key is there already: how nonces and tickets are spent once
    put,
    erase,   ///< absent is fine
  };
  Kind kind = Kind::put;
  std::string table;
  std::string key;
  std::string value;
};

/// Durable tables. Calls block and may come from any thread, one at a time or several.
class Registry {
 public:
  virtual ~Registry() = default;
  [[nodiscard]] virtual Result<std::optional<std::string>> get(std::string_view table, std::string_view key) = 0;
  /// All rows of a table by key.
  [[nodiscard]] virtual Result<std::vector<std::pair<std::string, std::string>>> list(std::string_view table) = 0;
  /// All changes or none; durable when it returns. Errors: conflict (an insert found its key), unavailable.
  [[nodiscard]] virtual Result<void> apply(std::span<const RegistryChange> changes) = 0;
};

/// SQLite in WAL mode, file mode 0600. Errors: unavailable when the file cannot be opened or is not ours.
[[nodiscard]] Result<std::unique_ptr<Registry>> open_sqlite_registry(const std::filesystem::path& file);

}  // namespace dd
