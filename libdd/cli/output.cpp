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

unsigned byte_at(std::string_view text, std::size_t at) { return static_cast<unsigned char>(text[at]); }

/// Bytes of the UTF-8 character that `text` starts with (RFC 3629, without its finer rules); 0 when there is none.
std::size_t character_at(std::string_view text) {
  const auto first = byte_at(text, 0);
  const std::size_t size = first < 0x80   ? 1
                           : first < 0xc2 ? 0
                           : first < 0xe0 ? 2
                           : first < 0xf0 ? 3
                           : first < 0xf5 ? 4
                                          : 0;
  if (size > text.size()) return 0;
  for (std::size_t i = 1; i < size; ++i)
    if ((byte_at(text, i) & 0xc0) != 0x80) return 0;
  return size;
}

/// C0 and DEL, C1 (U+009B starts a sequence as ESC [ does), and the marks that reverse what is read: U+202A to U+202E, U+2066 to U+2069.
bool drives_terminal(std::string_view character) {
  const auto first = byte_at(character, 0);
  if (character.size() == 1) return first < 0x20 || first == 0x7f;
  const auto second = byte_at(character, 1);
  if (character.size() == 2) return first == 0xc2 && second < 0xa0;
  if (character.size() != 3 || first != 0xe2) return false;
  const auto third = byte_at(character, 2);
  return (second == 0x80 && third >= 0xaa && third <= 0xae) || (second == 0x81 && third >= 0xa6 && third <= 0xa9);
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

void print_json(const nlohmann::json& value) {
  print_line(value.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
}

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
  std::string out;
  while (!text.empty()) {
    const auto size = character_at(text);
    const auto character = text.substr(0, std::max<std::size_t>(size, 1));
    out += size == 0 || drives_terminal(character) ? "?" : character;
    text.remove_prefix(character.size());
  }
  return out;
}

}  // namespace dd::cli
