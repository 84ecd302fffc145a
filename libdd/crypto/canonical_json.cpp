#include "libdd/crypto/canonical_json.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

namespace dd::crypto {
namespace {

using Json = nlohmann::json;

constexpr std::int64_t kLargest = (std::int64_t{1} << 53) - 1;

/// UTF-16 code units of valid UTF-8: the order of RFC 8785, 3.2.3, which differs from byte order above U+D7FF.
std::u16string utf16(const std::string& text) {
  std::u16string units;
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t size = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    char32_t point = size == 1 ? lead : lead & (0xff >> (size + 1));
    for (std::size_t k = 1; k < size && i + k < text.size(); ++k)
      point = (point << 6) | (static_cast<unsigned char>(text[i + k]) & 0x3f);
    if (point >= 0x10000) {
      units.push_back(static_cast<char16_t>(0xd800 + ((point - 0x10000) >> 10)));
      units.push_back(static_cast<char16_t>(0xdc00 + ((point - 0x10000) & 0x3ff)));
    } else {
      units.push_back(static_cast<char16_t>(point));
    }
    i += size;
  }
  return units;
}

Result<void> write(const Json& value, std::string& out);

Result<void> write_text(const std::string& text, std::string& out) {
  // nlohmann escapes as RFC 8785, 3.2.2.2 asks (shortest form, lower-case \u00xx) and throws on text that is not UTF-8.
  try {
    out += Json(text).dump();
  } catch (const Json::exception&) {
    return fail(ErrorCode::invalid_argument, "cannot make JSON canonical: text is not UTF-8");
  }
  return {};
}

Result<void> write_number(const Json& value, std::string& out) {
  const auto fits = [&] {
    if (value.is_number_unsigned()) return value.get<std::uint64_t>() <= static_cast<std::uint64_t>(kLargest);
    return value.is_number_integer() && value.get<std::int64_t>() >= -kLargest && value.get<std::int64_t>() <= kLargest;
  };
  if (!fits())
    return fail(ErrorCode::invalid_argument, "cannot make JSON canonical: a number is no integer within 2^53-1");
  out += value.dump();
  return {};
}

Result<void> write_object(const Json& value, std::string& out) {
  std::vector<std::pair<std::u16string, const Json::object_t::value_type*>> members;
  for (const auto& member : value.get_ref<const Json::object_t&>()) members.emplace_back(utf16(member.first), &member);
  std::sort(members.begin(), members.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  out += '{';
  bool first = true;
  for (const auto& [order, member] : members) {
    if (!std::exchange(first, false)) out += ',';
    if (auto name = write_text(member->first, out); !name) return name;
    out += ':';
    if (auto inner = write(member->second, out); !inner) return inner;
  }
  out += '}';
  return {};
}

Result<void> write(const Json& value, std::string& out) {
  if (value.is_object()) return write_object(value, out);
  if (value.is_string()) return write_text(value.get_ref<const std::string&>(), out);
  if (value.is_number()) return write_number(value, out);
  if (!value.is_array()) {
    out += value.dump();  // true, false, null
    return {};
  }
  out += '[';
  bool first = true;
  for (const auto& item : value) {
    if (!std::exchange(first, false)) out += ',';
    if (auto inner = write(item, out); !inner) return inner;
  }
  out += ']';
  return {};
}

}  // namespace

Result<std::string> canonical_json(const Json& value) {
  std::string out;
  if (auto written = write(value, out); !written) return tl::unexpected(written.error());
  return out;
}

}  // namespace dd::crypto
