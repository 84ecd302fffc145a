#include "libdd/cli/output.hpp"

#include <algorithm>
#include <cstdio>

#include <nlohmann/json.hpp>

namespace dd::cli {
namespace {

constexpr int kFailure = 1;
constexpr int kUnsupported = 20;
constexpr int kMalformed = 30;
constexpr int kTimeout = 124;

void write_row(const std::vector<std::string>& cells, const std::vector<std::size_t>& widths) {
  std::string line;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    line += cells[i];
    if (i + 1 < cells.size()) line.append(widths[i] - cells[i].size() + 2, ' ');
  }
  print_line(line);
}

int exit_code(ErrorCode code) {
  switch (code) {
    case ErrorCode::malformed:
    case ErrorCode::invalid_argument:
    case ErrorCode::too_large:
      return kMalformed;
    case ErrorCode::unsupported:
      return kUnsupported;
    case ErrorCode::deadline_exceeded:
      return kTimeout;
    default:
      return kFailure;
  }
}

}  // namespace

void print_table(const std::vector<std::string>& heading, const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& cell : heading) widths.push_back(cell.size());
  std::vector<std::vector<std::string>> shown;
  for (const auto& row : rows) {
    auto& cells = shown.emplace_back();
    for (std::size_t i = 0; i < row.size(); ++i) {
      cells.push_back(printable(row[i]));
      widths[i] = std::max(widths[i], cells[i].size());
    }
  }
  write_row(heading, widths);
  for (const auto& cells : shown) write_row(cells, widths);
}

void print_json(const nlohmann::json& value) { print_line(value.dump(2, ' ', false, nlohmann::json::error_handler_t::replace)); }

void print_line(const std::string& line) {
  std::fwrite(line.data(), 1, line.size(), stdout);
  std::fputc('\n', stdout);
  std::fflush(stdout);
}

void progress(const std::string& text) {
  // Our own messages may have several lines; within a line nothing may drive the terminal.
  for (std::size_t at = 0; at <= text.size();) {
    const auto end = std::min(text.find('\n', at), text.size());
    std::fprintf(stderr, "%s\n", printable(std::string_view(text).substr(at, end - at)).c_str());
    at = end + 1;
  }
}

int report(const Error& error) {
  auto text = "ddctl: " + error.message;
  if (!error.path.empty()) text += " (at " + error.path + ")";
  if (!error.reason.empty()) text += " [" + error.reason + "]";
  progress(text);
  return exit_code(error.code);
}

std::string printable(std::string_view text) {
  std::string out(text);
  for (auto& c : out)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  return out;
}

}  // namespace dd::cli
