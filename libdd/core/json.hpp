// Strict JSON from outside, and readers that turn objects into typed values with the path of whatever is wrong.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "dd/bytes.hpp"
#include "dd/error.hpp"

namespace dd {

using Json = nlohmann::json;

struct JsonLimits {
  std::size_t max_bytes = 1024 * 1024;
  std::size_t max_depth = 32;
};

/// Parses one JSON text. Errors: too_large over the size limit; malformed on invalid JSON or UTF-8, a byte order mark, bytes behind the
/// value, NaN, deeper nesting than allowed, or a member name that occurs twice in one object (also through \u escapes):
/// nlohmann keeps the last silently, so one text could be signed and another believed.
[[nodiscard]] Result<Json> parse_json(std::string_view text, JsonLimits limits = {});

/// Compact text; invalid UTF-8 is replaced, so it cannot throw.
[[nodiscard]] std::string to_text(const Json& value);
/// Adds a member, unless it would be an empty text.
void put_text(Json& object, const char* name, const std::string& text);

struct TextRule {
  std::size_t least = 0;
  std::size_t most = 4096;
  /// Says whether a text is good; `expected` then tells the reader what is.
  bool (*accepts)(std::string_view) = nullptr;
  const char* expected = nullptr;
};

/// Reads the members of one JSON object. The first problem is kept and later reads return empty values, so a parser
/// reads all its fields in a row and asks once: `if (auto bad = reader.error()) return ...`. A member that is missing or of
/// another type is malformed, another value is invalid_argument; messages never quote the value.
class ObjectReader {
 public:
  /// `value` is borrowed. A value that is not an object is the first problem.
  ObjectReader(const Json& value, std::string path);

  [[nodiscard]] std::string text(const char* name, TextRule rule = {});
  [[nodiscard]] std::optional<std::string> optional_text(const char* name, TextRule rule = {});
  [[nodiscard]] std::int64_t integer(const char* name, std::int64_t least, std::int64_t most);
  [[nodiscard]] std::optional<std::int64_t> optional_integer(const char* name, std::int64_t least, std::int64_t most);
  /// Any that an int holds.
  [[nodiscard]] std::optional<int> optional_int(const char* name);
  [[nodiscard]] bool boolean(const char* name, bool otherwise);
  [[nodiscard]] bool required_boolean(const char* name);
  [[nodiscard]] double number(const char* name, double otherwise);
  /// base64url of exactly `size` bytes, or of any size when `size` is 0.
  [[nodiscard]] Bytes base64url(const char* name, std::size_t size);
  [[nodiscard]] Bytes hex(const char* name, std::size_t size);
  /// Empty when the member is absent.
  [[nodiscard]] std::vector<std::string> texts(const char* name, std::size_t most_items, TextRule rule = {});
  /// Null when the member is absent (or JSON null). Borrowed from the value read.
  [[nodiscard]] const Json* find(const char* name);
  /// Members of a required object or array; nullptr after a problem.
  [[nodiscard]] const Json* object(const char* name);
  [[nodiscard]] const Json* array(const char* name, std::size_t most_items);

  /// Names the members that no read asked for, in order.
  [[nodiscard]] std::vector<std::string> unknown() const;
  /// Makes unknown members a problem (configuration and policy files).
  void refuse_unknown();

  /// Records a problem found by the caller at member `name`: "cannot read $.name: " and then `message`.
  void problem(const char* name, ErrorCode code, std::string message);
  /// Records what the reader of a nested value found; it has its own path.
  void problem(Error error);
  [[nodiscard]] const std::optional<Error>& error() const noexcept { return error_; }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  [[nodiscard]] std::string path_of(const char* name) const;

 private:
  using Decoder = Result<Bytes> (*)(std::string_view);

  const Json* required(const char* name, const std::string& expected);
  Bytes encoded(const char* name, std::size_t size, Decoder decode, std::string_view encoding);

  const Json* value_ = nullptr;
  std::string path_;
  std::vector<std::string> asked_;
  std::optional<Error> error_;
};

}  // namespace dd
