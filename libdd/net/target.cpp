#include "libdd/net/target.hpp"

#include <algorithm>

#include "libdd/net/ascii.hpp"
#include "libdd/net/url.hpp"

namespace dd::net {
namespace {

tl::unexpected<Error> refuse_target(std::string_view why) {
  return fail(ErrorCode::malformed, "cannot read request target: " + std::string(why));
}

Result<std::string> read_segment(std::string_view raw) {
  auto segment = percent_decode(raw);
  if (!segment) return refuse_target("'%' without two hex digits");
  if (*segment == "." || *segment == "..") return refuse_target("a dot segment");
  if (segment->find('/') != std::string::npos) return refuse_target("an encoded slash");
  if (std::ranges::any_of(*segment, is_control)) return refuse_target("a control character");
  return segment;
}

Result<std::string> read_path(std::string_view raw) {
  std::string path;
  while (!raw.empty()) {
    raw.remove_prefix(1);  // the slash
    const auto end = std::min(raw.find('/'), raw.size());
    auto segment = read_segment(raw.substr(0, end));
    if (!segment) return segment;
    path += '/';
    path += *segment;
    raw.remove_prefix(end);
  }
  return path;
}

Result<std::string> read_field(std::string_view raw) {
  std::string text(raw);
  std::ranges::replace(text, '+', ' ');
  return percent_decode(text);
}

}  // namespace

Result<std::vector<std::pair<std::string, std::string>>> parse_form_fields(std::string_view text) {
  std::vector<std::pair<std::string, std::string>> fields;
  while (!text.empty()) {
    const auto end = std::min(text.find('&'), text.size());
    const auto pair = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (pair.empty()) continue;
    const auto equals = std::min(pair.find('='), pair.size());
    auto name = read_field(pair.substr(0, equals));
    auto value = read_field(pair.substr(std::min(equals + 1, pair.size())));
    if (!name || !value) return fail(ErrorCode::malformed, "cannot read form: '%' without two hex digits");
    fields.emplace_back(*std::move(name), *std::move(value));
  }
  return fields;
}

Result<Target> parse_target(std::string_view text) {
  if (text.starts_with("http://") || text.starts_with("https://")) {
    const auto slash = text.find('/', text.find("://") + 3);
    text = slash == std::string_view::npos ? std::string_view("/") : text.substr(slash);
  }
  if (!text.starts_with('/')) return refuse_target("it does not start with '/'");
  if (std::ranges::any_of(text, is_control)) return refuse_target("a control character");
  const auto question = std::min(text.find('?'), text.size());
  Target target;
  auto path = read_path(text.substr(0, question));
  if (!path) return tl::unexpected(path.error());
  target.path = *std::move(path);
  auto query = parse_form_fields(text.substr(std::min(question + 1, text.size())));
  if (!query) return refuse_target("'%' without two hex digits");
  target.query = *std::move(query);
  return target;
}

std::vector<std::string> split_path(std::string_view path) {
  std::vector<std::string> segments;
  if (path.starts_with('/')) path.remove_prefix(1);
  if (path.empty()) return segments;
  for (;;) {
    const auto end = path.find('/');
    segments.emplace_back(path.substr(0, end));
    if (end == std::string_view::npos) return segments;
    path.remove_prefix(end + 1);
  }
}

bool is_placeholder(std::string_view segment) noexcept {
  return segment.size() > 2 && segment.front() == '{' && segment.back() == '}';
}

std::optional<std::vector<std::string>> match_segments(const std::vector<std::string>& pattern,
                                                       const std::vector<std::string>& path) {
  if (pattern.size() != path.size()) return std::nullopt;
  std::vector<std::string> params;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (is_placeholder(pattern[i]) && !path[i].empty())
      params.push_back(path[i]);
    else if (pattern[i] != path[i])
      return std::nullopt;
  }
  return params;
}

}  // namespace dd::net
