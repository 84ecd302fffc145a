// HTML as a value: our own markup goes in as literals, everything else through the one function that escapes.
#pragma once

#include <concepts>
#include <string>
#include <string_view>

namespace dd::web {

/// & < > " ' as references: good between tags and inside quoted attributes.
[[nodiscard]] std::string escape(std::string_view text);

/// Markup that we wrote ourselves. Only a literal of the program becomes one, so a name or a log line cannot.
class Markup {
 public:
  template <std::size_t N>
  consteval Markup(const char (&literal)[N])
      : text_(literal, N - 1) {}  // NOLINT(google-explicit-constructor): a literal is markup
  [[nodiscard]] constexpr std::string_view text() const noexcept { return text_; }

 private:
  std::string_view text_;
};

/// A piece of a page. `html << "<td>"` appends markup, `html.text(name)` what a name says.
class Html {
 public:
  Html() = default;

  Html& operator<<(Markup markup) {
    out_ += markup.text();
    return *this;
  }
  Html& operator<<(const Html& other) {
    out_ += other.out_;
    return *this;
  }
  /// Escaped: for content and for the inside of a quoted attribute.
  Html& text(std::string_view value) {
    out_ += escape(value);
    return *this;
  }

  [[nodiscard]] const std::string& str() const noexcept { return out_; }

 private:
  std::string out_;
};

}  // namespace dd::web
