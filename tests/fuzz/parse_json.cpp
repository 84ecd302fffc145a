// Property: a text that parse_json accepts has one meaning. It survives a round trip, and no object in it names a member
// twice, counted by a scanner that knows nothing of the parser.
#include <cstdint>
#include <cstdlib>
#include <string>

#include <nlohmann/json.hpp>

#include "libdd/core/json.hpp"

namespace {

using dd::Json;

// Members over all objects of a value.
std::size_t members(const Json& value) {
  std::size_t count = value.is_object() ? value.size() : 0;
  if (value.is_structured())
    for (const auto& item : value) count += members(item);
  return count;
}

// Members that the text spells: in JSON every colon outside a string belongs to one.
std::size_t spelled_members(std::string_view text) {
  std::size_t colons = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (in_string && text[i] == '\\')
      ++i;
    else if (text[i] == '"')
      in_string = !in_string;
    else if (!in_string && text[i] == ':')
      ++colons;
  }
  return colons;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto value = dd::parse_json(text);
  if (!value) {
    if (!value.error().message.starts_with("cannot parse JSON: ")) std::abort();
    return 0;
  }
  if (members(*value) != spelled_members(text)) std::abort();
  const auto again = dd::parse_json(dd::to_text(*value), {.max_bytes = 8 * size + 64});
  if (!again || *again != *value) std::abort();
  return 0;
}
