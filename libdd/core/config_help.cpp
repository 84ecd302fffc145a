#include <algorithm>

#include "dd/config.hpp"

namespace dd {
namespace {

constexpr std::size_t kGap = 2;

std::string presence_or_default(const Config::Variable& variable) {
  if (variable.presence == Presence::required) return "required";
  return variable.default_text.empty() ? "unset" : variable.default_text;
}

std::string word_of(Trust trust) { return trust == Trust::setting ? "setting" : trust == Trust::rule ? "rule" : ""; }

std::string padded(std::string text, std::size_t width) {
  text.append(width > text.size() ? width - text.size() : 0, ' ');
  return text;
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c;
  }
  return out;
}

}  // namespace

std::string Config::help() const {
  std::size_t name_width = 0;
  std::size_t type_width = 0;
  std::size_t default_width = 0;
  for (const auto& variable : variables_) {
    name_width = std::max(name_width, variable.name.size() + kGap);
    type_width = std::max(type_width, variable.type.size() + kGap);
    default_width = std::max(default_width, presence_or_default(variable).size() + kGap);
  }
  std::string out;
  for (const auto& variable : variables_)
    out += "  " + padded(variable.name, name_width) + padded(variable.type, type_width) +
           padded(presence_or_default(variable), default_width) + variable.description + "\n";
  return out;
}

std::string Config::markdown() const {
  std::string out = "| Variable | Type | Default | Trust | Meaning |\n|---|---|---|---|---|\n";
  for (const auto& variable : variables_)
    out += "| `" + variable.name + "` | " + escaped(variable.type) + " | " + escaped(presence_or_default(variable)) +
           " | " + word_of(variable.trust) + " | " + escaped(variable.description) + " |\n";
  return out;
}

}  // namespace dd
