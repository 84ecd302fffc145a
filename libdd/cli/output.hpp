// What ddctl prints: data on stdout as a table or JSON, progress and errors on stderr.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "dd/error.hpp"

namespace dd::cli {

enum class Format { table, json };

inline constexpr int kRejected = 10;

/// Columns as wide as their widest cell.
void print_table(const std::vector<std::string>& heading, const std::vector<std::vector<std::string>>& rows);
void print_json(const nlohmann::json& value);
void print_line(const std::string& line);
void progress(const std::string& text);

/// Prints the error on stderr and returns the exit code that it stands for.
[[nodiscard]] int report(const Error& error);

/// A cell: control characters, and bytes that are no UTF-8, replaced, so that a name made of escape sequences cannot drive the terminal.
[[nodiscard]] std::string printable(std::string_view text);

}  // namespace dd::cli
