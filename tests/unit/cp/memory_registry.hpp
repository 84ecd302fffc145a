// A registry in memory that can be made to fail.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "dd/registry.hpp"

namespace dd::cp {

/// Rows are open to the test: what is written there was "on disk" when the next Store opens it.
class MemoryRegistry final : public Registry {
 public:
  using Table = std::map<std::string, std::string, std::less<>>;

  std::map<std::string, Table, std::less<>> tables;
  /// While set, every write answers it.
  std::optional<Error> read_only;
  std::size_t writes = 0;

  Result<std::optional<std::string>> get(std::string_view table, std::string_view key) override {
    const auto& rows = tables[std::string(table)];
    const auto row = rows.find(key);
    if (row == rows.end()) return std::nullopt;
    return row->second;
  }

  Result<std::vector<std::pair<std::string, std::string>>> list(std::string_view table) override {
    const auto& rows = tables[std::string(table)];
    return std::vector<std::pair<std::string, std::string>>(rows.begin(), rows.end());
  }

  Result<void> apply(std::span<const RegistryChange> changes) override {
    if (read_only) return tl::unexpected(*read_only);
    auto after = tables;
    for (const auto& change : changes) {
      auto& rows = after[change.table];
      if (change.kind == RegistryChange::Kind::erase)
        rows.erase(change.key);
      else if (change.kind == RegistryChange::Kind::insert && rows.contains(change.key))
        return fail(ErrorCode::conflict, "cannot insert " + change.key);
      else
        rows[change.key] = change.value;
    }
    tables = std::move(after);
    ++writes;
    return {};
  }
};

}  // namespace dd::cp
