#include "libdd/core/json.hpp"

#include <utility>

#include <nlohmann/json.hpp>

namespace dd {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
constexpr std::size_t kMaxQuotedName = 64;

// Builds the value from parser events, because only the events still show a name that occurs twice.
class StrictBuilder final : public nlohmann::json_sax<Json> {
 public:
  explicit StrictBuilder(std::size_t max_depth) : max_depth_(max_depth) {}

  bool null() override { return put(nullptr); }
  bool boolean(bool value) override { return put(value); }
  bool number_integer(number_integer_t value) override { return put(value); }
  bool number_unsigned(number_unsigned_t value) override { return put(value); }
  bool number_float(number_float_t value, const string_t&) override { return put(value); }
  bool string(string_t& value) override { return put(std::move(value)); }
  bool binary(binary_t&) override { return false; }

  bool start_object(std::size_t) override { return open(Json::value_t::object); }
  bool start_array(std::size_t) override { return open(Json::value_t::array); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(string_t& name) override {
    const auto [slot, is_new] = open_.back()->get_ref<Json::object_t&>().try_emplace(name);
    if (!is_new) return refuse("member " + to_text(name.substr(0, kMaxQuotedName)) + " occurs twice in one object");
    member_ = &slot->second;
    return true;
  }

  // The parser's own text quotes its input, which may hold a secret.
  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception&) override {
    return refuse("syntax error at byte " + std::to_string(position));
  }

  [[nodiscard]] const std::string& problem() const noexcept { return problem_; }
  [[nodiscard]] Json take() { return std::move(root_); }

 private:
  bool refuse(std::string problem) {
    problem_ = std::move(problem);
    return false;
  }

  // An open container is the last thing in its parent, so no parent grows (and moves it) while it is open.
  Json* place(Json value) {
    if (open_.empty()) return &(root_ = std::move(value));
    if (open_.back()->is_array()) return &open_.back()->emplace_back(std::move(value));
    return &(*member_ = std::move(value));
  }

  bool put(Json value) {
    place(std::move(value));
    return true;
  }

  bool open(Json::value_t type) {
    if (open_.size() == max_depth_) return refuse("nested deeper than " + std::to_string(max_depth_));
    open_.push_back(place(Json(type)));
    return true;
  }

  bool close() {
    open_.pop_back();
    return true;
  }

  std::size_t max_depth_;
  Json root_;
  std::vector<Json*> open_;
  Json* member_ = nullptr;
  std::string problem_;
};

}  // namespace

Result<Json> parse_json(std::string_view text, JsonLimits limits) {
  if (text.size() > limits.max_bytes)
    return fail(ErrorCode::too_large, "cannot parse JSON: " + std::to_string(text.size()) + " bytes, want at most " +
                                          std::to_string(limits.max_bytes));
  // nlohmann skips a mark and takes a zero byte for the end of the text.
  if (text.starts_with(kByteOrderMark)) return fail(ErrorCode::malformed, "cannot parse JSON: byte order mark");
  if (const auto zero = text.find('\0'); zero != text.npos)
    return fail(ErrorCode::malformed, "cannot parse JSON: syntax error at byte " + std::to_string(zero + 1));

  StrictBuilder builder(limits.max_depth);
  if (!Json::sax_parse(text, &builder)) return fail(ErrorCode::malformed, "cannot parse JSON: " + builder.problem());
  return builder.take();
}

std::string to_text(const Json& value) { return value.dump(-1, ' ', false, Json::error_handler_t::replace); }

void put_text(Json& object, const char* name, const std::string& text) {
  if (!text.empty()) object[name] = text;
}

}  // namespace dd
