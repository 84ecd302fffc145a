// Property: the canonical text of a value says that value, is its own canonical text, and has its members in UTF-16 order, as a reader
// finds it that knows nothing of the writer.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "libdd/core/json.hpp"
#include "libdd/crypto/canonical_json.hpp"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

// UTF-8 bytes in the order of the UTF-16 code units: only U+E000..U+FFFF (lead bytes 0xee, 0xef) and what lies above them (0xf0..0xf4) change
// places, since those above are written as surrogates (U+D800..U+DFFF).
std::string in_utf16_order(std::string name) {
  for (auto& c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0xf0)
      c = static_cast<char>(byte - 2);
    else if (byte >= 0xee)
      c = static_cast<char>(byte + 5);
  }
  return name;
}

// Members in the order of the text, which nlohmann::json itself forgets.
void require_order(const nlohmann::ordered_json& value) {
  if (!value.is_structured()) return;
  const std::string* last = nullptr;
  for (const auto& [name, member] : value.items()) {
    if (value.is_object()) {
      require(last == nullptr || in_utf16_order(*last) < in_utf16_order(name));
      last = &name;
    }
    require_order(member);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto value = dd::parse_json(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!value) return 0;
  const auto text = dd::crypto::canonical_json(*value);
  if (!text) {
    require(text.error().code == dd::ErrorCode::invalid_argument);
    return 0;
  }
  const auto again = dd::parse_json(*text, {.max_bytes = 8 * size + 64});
  require(again.has_value() && *again == *value);
  require(dd::crypto::canonical_json(*again).value() == *text);
  require_order(nlohmann::ordered_json::parse(*text));
  return 0;
}
