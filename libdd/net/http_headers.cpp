#include <algorithm>

#include "dd/http.hpp"
#include "libdd/net/ascii.hpp"

namespace dd {

void HttpHeaders::set(std::string name, std::string value) {
  remove(name);
  add(std::move(name), std::move(value));
}

void HttpHeaders::add(std::string name, std::string value) { all_.emplace_back(std::move(name), std::move(value)); }

const std::string* HttpHeaders::find(std::string_view name) const {
  const auto at =
      std::ranges::find_if(all_, [&](const auto& header) { return net::same_ignoring_case(header.first, name); });
  return at == all_.end() ? nullptr : &at->second;
}

std::size_t HttpHeaders::count(std::string_view name) const {
  return static_cast<std::size_t>(
      std::ranges::count_if(all_, [&](const auto& header) { return net::same_ignoring_case(header.first, name); }));
}

void HttpHeaders::remove(std::string_view name) {
  // By copy: `name` may be a header of ours.
  std::erase_if(all_,
                [key = std::string(name)](const auto& header) { return net::same_ignoring_case(header.first, key); });
}

}  // namespace dd
