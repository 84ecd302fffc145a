#include <algorithm>

#include "dd/http.hpp"

namespace dd {
namespace {

// Header names are ASCII; the C library's tolower would follow the locale.
char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool same_name(std::string_view a, std::string_view b) noexcept {
  return std::ranges::equal(a, b, [](char x, char y) { return lower(x) == lower(y); });
}

auto named(std::string_view name) {
  return [name](const auto& header) { return same_name(header.first, name); };
}

}  // namespace

void HttpHeaders::set(std::string name, std::string value) {
  remove(name);
  add(std::move(name), std::move(value));
}

void HttpHeaders::add(std::string name, std::string value) { all_.emplace_back(std::move(name), std::move(value)); }

const std::string* HttpHeaders::find(std::string_view name) const {
  const auto header = std::ranges::find_if(all_, named(name));
  return header == all_.end() ? nullptr : &header->second;
}

std::size_t HttpHeaders::count(std::string_view name) const {
  return static_cast<std::size_t>(std::ranges::count_if(all_, named(name)));
}

void HttpHeaders::remove(std::string_view name) {
  // By copy: `name` may be a header of ours.
  const std::string key(name);
  std::erase_if(all_, named(key));
}

}  // namespace dd
