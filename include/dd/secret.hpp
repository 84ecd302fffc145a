// A text that must not be seen: tokens, PATs, API keys.
#pragma once

#include <string>
#include <string_view>

namespace dd {

/// Owns a secret text. It has no stream operator and no formatter, compares in constant time and wipes its
/// memory when it goes. Copies are copies: each wipes its own.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value);
  Secret(const Secret&) = default;
  Secret(Secret&& other) noexcept;
  Secret& operator=(const Secret& other);
  Secret& operator=(Secret&& other) noexcept;
  ~Secret();

  /// The only way to the text; every call site is a place to review. Valid while this Secret lives unchanged.
  [[nodiscard]] std::string_view reveal() const noexcept { return value_; }
  [[nodiscard]] bool empty() const noexcept { return value_.empty(); }
  /// Constant time for equal sizes.
  [[nodiscard]] bool operator==(const Secret& other) const noexcept;

 private:
  std::string value_;
};

}  // namespace dd
