#include <algorithm>
#include <limits>
#include <utility>

#include <nlohmann/json.hpp>

#include "libdd/core/json.hpp"

namespace dd {
namespace {

std::string range(std::int64_t least, std::int64_t most) { return std::to_string(least) + ".." + std::to_string(most); }

std::string expectation(const TextRule& rule) {
  if (rule.expected != nullptr) return rule.expected;
  return "a text of " + std::to_string(rule.least) + ".." + std::to_string(rule.most) + " bytes";
}

std::optional<std::string> accepted_text(const Json& value, const TextRule& rule) {
  const auto* text = value.get_ptr<const std::string*>();
  if (text == nullptr || text->size() < rule.least || text->size() > rule.most) return std::nullopt;
  if (rule.accepts != nullptr && !rule.accepts(*text)) return std::nullopt;
  return *text;
}

std::optional<std::int64_t> accepted_integer(const Json& value, std::int64_t least, std::int64_t most) {
  if (!value.is_number_integer()) return std::nullopt;
  const auto* large = value.get_ptr<const Json::number_unsigned_t*>();
  if (large != nullptr && *large > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
    return std::nullopt;
  const auto number = value.get<std::int64_t>();
  if (number < least || number > most) return std::nullopt;
  return number;
}

std::string sized(std::string_view encoding, std::size_t size) {
  return std::string(encoding) + (size == 0 ? "" : " of " + std::to_string(size) + " bytes");
}

// docs/wire.md, 2: another type is malformed, a value of the right type that may not be is not.
ErrorCode code_of(bool right_type) { return right_type ? ErrorCode::invalid_argument : ErrorCode::malformed; }

}  // namespace

ObjectReader::ObjectReader(const Json& value, std::string path) : value_(&value), path_(std::move(path)) {
  if (!value.is_object()) error_ = Error{ErrorCode::malformed, "cannot read " + path_ + ": want an object", path_, {}};
}

std::string ObjectReader::path_of(const char* name) const { return path_ + "." + name; }

void ObjectReader::problem(const char* name, ErrorCode code, std::string message) {
  if (error_) return;
  auto path = path_of(name);
  message = "cannot read " + path + ": " + message;
  error_ = Error{code, std::move(message), std::move(path), {}};
}

void ObjectReader::problem(Error error) {
  if (!error_) error_ = std::move(error);
}

const Json* ObjectReader::find(const char* name) {
  asked_.emplace_back(name);
  if (error_) return nullptr;
  const auto member = value_->find(name);
  return member == value_->end() || member->is_null() ? nullptr : &*member;
}

const Json* ObjectReader::required(const char* name, const std::string& expected) {
  const auto* member = find(name);
  if (member == nullptr) problem(name, ErrorCode::malformed, "missing, want " + expected);
  return member;
}

std::optional<std::string> ObjectReader::optional_text(const char* name, TextRule rule) {
  const auto* member = find(name);
  if (member == nullptr) return std::nullopt;
  auto text = accepted_text(*member, rule);
  if (!text) problem(name, code_of(member->is_string()), "want " + expectation(rule));
  return text;
}

std::string ObjectReader::text(const char* name, TextRule rule) {
  if (required(name, expectation(rule)) == nullptr) return {};
  return optional_text(name, rule).value_or("");
}

std::optional<std::int64_t> ObjectReader::optional_integer(const char* name, std::int64_t least, std::int64_t most) {
  const auto* member = find(name);
  if (member == nullptr) return std::nullopt;
  const auto number = accepted_integer(*member, least, most);
  if (!number) problem(name, code_of(member->is_number_integer()), "want an integer in " + range(least, most));
  return number;
}

std::optional<int> ObjectReader::optional_int(const char* name) {
  const auto value = optional_integer(name, std::numeric_limits<int>::min(), std::numeric_limits<int>::max());
  return value ? std::optional(static_cast<int>(*value)) : std::nullopt;
}

std::int64_t ObjectReader::integer(const char* name, std::int64_t least, std::int64_t most) {
  if (required(name, "an integer in " + range(least, most)) == nullptr) return 0;
  return optional_integer(name, least, most).value_or(0);
}

bool ObjectReader::boolean(const char* name, bool otherwise) {
  const auto* member = find(name);
  if (member == nullptr) return otherwise;
  const auto* value = member->get_ptr<const bool*>();
  if (value == nullptr) problem(name, ErrorCode::malformed, "want true or false");
  return value != nullptr ? *value : otherwise;
}

bool ObjectReader::required_boolean(const char* name) {
  return required(name, "true or false") != nullptr && boolean(name, false);
}

double ObjectReader::number(const char* name, double otherwise) {
  const auto* member = find(name);
  if (member == nullptr) return otherwise;
  if (!member->is_number()) problem(name, ErrorCode::malformed, "want a number");
  return member->is_number() ? member->get<double>() : otherwise;
}

Bytes ObjectReader::encoded(const char* name, std::size_t size, Decoder decode, std::string_view encoding) {
  const auto expected = sized(encoding, size);
  const auto* member = required(name, expected);
  if (member == nullptr) return {};
  const auto* text = member->get_ptr<const std::string*>();
  auto bytes = decode(text == nullptr ? "" : *text);
  if (text != nullptr && bytes && (size == 0 || bytes->size() == size)) return *std::move(bytes);
  problem(name, code_of(text != nullptr && bytes.has_value()), "want " + expected);
  return {};
}

Bytes ObjectReader::base64url(const char* name, std::size_t size) {
  return encoded(name, size, from_base64url, "base64url");
}

Bytes ObjectReader::hex(const char* name, std::size_t size) { return encoded(name, size, from_hex, "hex"); }

std::vector<std::string> ObjectReader::texts(const char* name, std::size_t most_items, TextRule rule) {
  if (find(name) == nullptr) return {};
  const auto* items = array(name, most_items);
  if (items == nullptr) return {};
  std::vector<std::string> out;
  for (const auto& item : *items) {
    auto text = accepted_text(item, rule);
    if (!text) {
      const auto element = std::string(name) + "[" + std::to_string(out.size()) + "]";
      problem(element.c_str(), code_of(item.is_string()), "want " + expectation(rule));
      return {};
    }
    out.push_back(*std::move(text));
  }
  return out;
}

const Json* ObjectReader::object(const char* name) {
  const auto* member = required(name, "an object");
  if (member == nullptr || member->is_object()) return member;
  problem(name, ErrorCode::malformed, "want an object");
  return nullptr;
}

const Json* ObjectReader::array(const char* name, std::size_t most_items) {
  const auto expected = "an array of at most " + std::to_string(most_items) + " items";
  const auto* member = required(name, expected);
  if (member == nullptr || (member->is_array() && member->size() <= most_items)) return member;
  problem(name, code_of(member->is_array()), "want " + expected);
  return nullptr;
}

std::vector<std::string> ObjectReader::unknown() const {
  std::vector<std::string> out;
  if (!value_->is_object()) return out;
  for (const auto& [name, member] : value_->items())
    if (std::ranges::find(asked_, name) == asked_.end()) out.push_back(name);
  return out;
}

void ObjectReader::refuse_unknown() {
  for (const auto& name : unknown()) problem(name.c_str(), ErrorCode::invalid_argument, "unknown member");
}

}  // namespace dd
