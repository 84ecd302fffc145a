#include "libdd/protocol/fields.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "dd/event_log.hpp"
#include "libdd/crypto/canonical_json.hpp"

namespace dd::protocol {
namespace {

constexpr bool is_lower_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }
constexpr bool is_lower_alnum(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z'); }
constexpr bool is_alnum(char c) { return is_lower_alnum(c) || (c >= 'A' && c <= 'Z'); }
constexpr bool is_word_char(char c) { return is_alnum(c) || c == '-' || c == '_' || c == '.'; }

bool is_identifier(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::ranges::all_of(text, is_word_char);
}

bool is_boot_id(std::string_view text) { return text.size() == 32 && std::ranges::all_of(text, is_lower_hex); }

// Logins of managed users end in _shortcode, so '_' occurs beside the hyphen.
bool is_login(std::string_view text) {
  return !text.empty() && text.size() <= 39 && is_alnum(text.front()) &&
         std::ranges::all_of(text, [](char c) { return is_alnum(c) || c == '-' || c == '_'; });
}

bool is_owner(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return is_login(text);
  const auto repository = text.substr(slash + 1);
  return is_login(text.substr(0, slash)) && !repository.empty() && repository.size() <= 100 &&
         std::ranges::all_of(repository, is_word_char);
}

bool is_hostname(std::string_view text) {
  return !text.empty() && text.size() <= 253 && is_lower_alnum(text.front()) && is_lower_alnum(text.back()) &&
         std::ranges::all_of(text, [](char c) { return is_lower_alnum(c) || c == '-' || c == '.'; });
}

constexpr TextRule kIdentifierRule{0, 4096, is_identifier, "1..64 of letters, digits, '.', '_' and '-'"};
constexpr TextRule kBootIdRule{0, 4096, is_boot_id, "32 lower-case hex digits"};
constexpr TextRule kVmNameRule{0, 4096, valid_vm_name, "1..63 of a-z, 0-9 and '-', no '-' at either end"};
constexpr TextRule kOwnerRule{0, 4096, is_owner, "a GitHub login or owner/repo"};
constexpr TextRule kAppNameRule{0, 4096, valid_app_name,
                                "1..63 of a-z, 0-9, '.', '_' and '-', a letter or digit first"};
constexpr TextRule kHostnameRule{0, 4096, is_hostname, "a hostname in lower case"};
constexpr TextRule kWordRule{1, 32, nullptr, nullptr};

Result<std::string> canonical_event(const Json& event, const std::string& path) {
  if (!event.is_object()) return fail_at(ErrorCode::malformed, path, "cannot read " + path + ": want an object");
  auto text = crypto::canonical_json(event);
  if (!text) return fail_at(text.error().code, path, "cannot read " + path + ": " + text.error().message);
  if (text->size() > EventLog::kMaxEventBytes)
    return fail_at(ErrorCode::too_large, path,
                   "cannot read " + path + ": " + std::to_string(text->size()) + " bytes, want at most " +
                       std::to_string(EventLog::kMaxEventBytes));
  return text;
}

}  // namespace

std::string read_agent_id(ObjectReader& reader, const char* name) { return reader.text(name, kIdentifierRule); }
std::string read_boot_id(ObjectReader& reader, const char* name) { return reader.text(name, kBootIdRule); }
std::string read_vm_name(ObjectReader& reader, const char* name) { return reader.text(name, kVmNameRule); }
std::string read_owner(ObjectReader& reader, const char* name) { return reader.text(name, kOwnerRule); }
std::string read_app_name(ObjectReader& reader, const char* name) { return reader.text(name, kAppNameRule); }
std::string read_word(ObjectReader& reader, const char* name) { return reader.text(name, kWordRule); }
std::string read_hostname(ObjectReader& reader, const char* name) { return reader.text(name, kHostnameRule); }

std::vector<std::string> read_hostnames(ObjectReader& reader, const char* name, std::size_t most) {
  if (reader.array(name, most) == nullptr) return {};
  return reader.texts(name, most, kHostnameRule);
}

crypto::OkpPublicKey read_key(ObjectReader& reader, const char* name, crypto::Curve curve) {
  if (const auto* jwk = reader.object(name)) {
    const auto key = crypto::OkpPublicKey::from_jwk(*jwk, curve);
    if (key) return *key;
    reader.problem(name, key.error().code, key.error().message);
  }
  return {curve, {}};
}

std::vector<Expose> read_extra_ingress(ObjectReader& reader, const char* name) {
  const auto* list = reader.array(name, kMaxExtraIngress);
  if (list == nullptr) return {};
  auto extras = expose_from(*list, reader.path_of(name), kMaxExtraIngress);
  if (extras) return *std::move(extras);
  reader.problem(std::move(extras).error());
  return {};
}

Json ingress_list(const std::vector<Expose>& extras) {
  auto list = Json::array();
  for (const auto& extra : extras) list.push_back(to_json_value(extra));
  return list;
}

std::vector<std::string> read_events(ObjectReader& reader, const char* name, std::size_t most) {
  const auto* list = reader.array(name, most);
  if (list == nullptr) return {};
  std::vector<std::string> events;
  events.reserve(list->size());
  for (const auto& item : *list) {
    auto event = canonical_event(item, reader.path_of(name) + "[" + std::to_string(events.size()) + "]");
    if (!event) {
      reader.problem(std::move(event).error());
      return {};
    }
    events.push_back(*std::move(event));
  }
  return events;
}

Json events_list(const std::vector<std::string>& events) {
  auto list = Json::array();
  for (const auto& event : events) list.push_back(embedded(event));
  return list;
}

std::string read_embedded(ObjectReader& reader, const char* name) {
  if (reader.find(name) == nullptr) return {};
  const auto* value = reader.object(name);
  return value == nullptr ? std::string() : to_text(*value);
}

Json embedded(const std::string& text) {
  auto value = Json::parse(text, nullptr, false);
  return value.is_discarded() ? Json() : value;
}

}  // namespace dd::protocol
