#include "libdd/core/config_values.hpp"

#include <array>

#include <nlohmann/json.hpp>

#include "libdd/core/decimal.hpp"
#include "libdd/core/json.hpp"

namespace dd::config_values {
namespace {

struct Unit {
  std::string_view suffix;
  std::int64_t milliseconds;
};

// Largest first for show(); "ms" comes before "s" and "m" because duration() takes the first suffix that fits.
constexpr std::array kUnits = {Unit{"h", 3'600'000}, Unit{"ms", 1}, Unit{"m", 60'000}, Unit{"s", 1000}};
constexpr std::array kShownUnits = {kUnits[0], kUnits[2], kUnits[3]};
constexpr std::int64_t kSecond = 1000;
constexpr std::int64_t kTenYears = std::int64_t{10} * 366 * 24 * 3'600'000;

}  // namespace

std::optional<std::int64_t> integer(std::string_view text) { return decimal<std::int64_t>(text); }

std::optional<std::chrono::milliseconds> duration(std::string_view text) {
  auto unit = kSecond;
  for (const auto& [suffix, milliseconds] : kUnits) {
    if (!text.ends_with(suffix)) continue;
    unit = milliseconds;
    text.remove_suffix(suffix.size());
    break;
  }
  const auto count = integer(text);
  if (!count || *count <= 0 || *count > kTenYears / unit) return std::nullopt;
  return std::chrono::milliseconds(*count * unit);
}

Result<void> check_durations(std::initializer_list<DurationOption> options) {
  constexpr std::chrono::milliseconds kMost(kTenYears);
  for (const auto& option : options)
    if (option.value < option.least || option.value > kMost)
      return fail(ErrorCode::invalid_argument, "cannot use " + std::string(option.name) + ": " + show(option.value) +
                                                   ", want " + show(option.least) + " to " + show(kMost));
  return {};
}

std::optional<bool> boolean(std::string_view text) {
  for (const auto* yes : {"true", "1", "yes", "on"})
    if (text == yes) return true;
  for (const auto* no : {"false", "0", "no", "off"})
    if (text == no) return false;
  return std::nullopt;
}

std::vector<std::string> list(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const auto comma = text.find(',');
    if (const auto item = trimmed(text.substr(0, comma)); !item.empty()) out.emplace_back(item);
    text.remove_prefix(comma == text.npos ? text.size() : comma + 1);
  }
  return out;
}

std::string_view trimmed(std::string_view text) noexcept {
  constexpr std::string_view kWhiteSpace = " \t\r\n";
  const auto first = text.find_first_not_of(kWhiteSpace);
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(kWhiteSpace) - first + 1);
}

std::string show(std::chrono::milliseconds duration) {
  if (duration.count() == 0) return "0s";
  for (const auto& [suffix, milliseconds] : kShownUnits)
    if (duration.count() % milliseconds == 0)
      return std::to_string(duration.count() / milliseconds) + std::string(suffix);
  return std::to_string(duration.count()) + "ms";
}

std::string join(const std::vector<std::string>& items, std::string_view separator) {
  std::string out;
  for (const auto& item : items) {
    if (&item != &items.front()) out += separator;
    out += item;
  }
  return out;
}

std::vector<std::string> argv(std::string_view text) {
  const auto value = parse_json(text);
  if (!value || !value->is_array()) return {};
  std::vector<std::string> words;
  for (const auto& word : *value) {
    if (!word.is_string()) return {};
    words.push_back(word.get<std::string>());
  }
  return words;
}

std::string show(const std::vector<std::string>& argv) { return argv.empty() ? "" : to_text(Json(argv)); }

}  // namespace dd::config_values
