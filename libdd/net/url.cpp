#include "libdd/net/url.hpp"

#include <algorithm>
#include <charconv>

#include "libdd/core/decimal.hpp"
#include "libdd/net/ascii.hpp"

namespace dd::net {
namespace {

tl::unexpected<Error> refuse_url(std::string_view why) {
  return fail(ErrorCode::invalid_argument,
              "cannot use URL: " + std::string(why) + ", want http(s)://host[:port][/path]");
}

std::uint16_t default_port(std::string_view scheme) { return scheme == "https" ? 443 : 80; }

bool is_host(std::string_view host) {
  if (host.empty() || host.size() > 253) return false;
  if (host.front() == '[')
    return host.size() > 4 && host.back() == ']' && std::ranges::all_of(host.substr(1, host.size() - 2), [](char c) {
             return is_digit(c) || (c >= 'a' && c <= 'f') || c == ':' || c == '.';
           });
  return std::ranges::all_of(host, [](char c) { return is_alnum(c) || c == '-' || c == '.' || c == '_'; });
}

/// Visible ASCII without the characters that RFC 3986 never allows.
bool is_target(std::string_view target) {
  return std::ranges::all_of(target, [](char c) {
    return c > 0x20 && c < 0x7f && std::string_view("\"<>\\^`{|}").find(c) == std::string_view::npos;
  });
}

/// Splits host and port; the colon inside "[::1]" is none.
Result<void> read_authority(std::string_view authority, Url& url) {
  if (authority.find('@') != std::string_view::npos) return refuse_url("a user name or password in it");
  const auto bracket = authority.rfind(']');
  const auto colon = authority.rfind(':');
  const bool has_port = colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket);
  url.host = to_lower(authority.substr(0, has_port ? colon : authority.size()));
  if (!is_host(url.host)) return refuse_url("no valid host");
  url.port = default_port(url.scheme);
  if (!has_port) return {};
  url.port = decimal<std::uint16_t>(authority.substr(colon + 1)).value_or(0);
  if (url.port == 0) return refuse_url("port outside 1..65535");
  return {};
}

}  // namespace

std::string Url::authority() const { return port == default_port(scheme) ? host : host + ":" + std::to_string(port); }
std::string Url::origin() const { return scheme + "://" + authority(); }
std::string Url::text() const { return origin() + target; }

Result<Url> parse_url(std::string_view text) {
  const auto colon = text.find("://");
  Url url;
  url.scheme = to_lower(text.substr(0, colon == std::string_view::npos ? 0 : colon));
  if (url.scheme != "http" && url.scheme != "https") return refuse_url("neither http:// nor https:// in front");
  auto rest = text.substr(colon + 3);
  rest = rest.substr(0, rest.find('#'));
  const auto slash = rest.find_first_of("/?");
  if (auto read = read_authority(rest.substr(0, slash), url); !read) return tl::unexpected(read.error());
  if (slash != std::string_view::npos) url.target = rest.substr(slash);
  if (url.target.front() == '?') url.target.insert(0, "/");
  if (!is_target(url.target)) return refuse_url("a character in the path that must be percent-encoded");
  return url;
}

std::string origin_of_host(std::string_view origin, std::string hostname) {
  auto url = parse_url(origin).value_or(Url{"https", {}, 443});
  url.host = std::move(hostname);
  return url.origin();
}

Result<Url> resolve_url(const Url& base, std::string_view reference) {
  if (reference.empty()) return refuse_url("empty");
  if (reference.starts_with("//")) return parse_url(base.scheme + ":" + std::string(reference));
  if (reference.front() == '/') return parse_url(base.origin() + std::string(reference));
  const auto path = base.target.substr(0, base.target.find('?'));
  if (reference.front() == '?') return parse_url(base.origin() + path + std::string(reference));
  const auto special = reference.find_first_of(":/?#");
  if (special != std::string_view::npos && reference[special] == ':') return parse_url(reference);
  return parse_url(base.origin() + path.substr(0, path.rfind('/') + 1) + std::string(reference));
}

std::string percent_encode(std::string_view text) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (is_alnum(c) || c == '-' || c == '.' || c == '_' || c == '~')
      out += c;
    else
      out.append({'%', kHex[byte >> 4], kHex[byte & 15]});
  }
  return out;
}

Result<std::string> percent_decode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    unsigned byte = 0;
    const auto digits = text.substr(i + 1, 2);
    const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), byte, 16);
    if (digits.size() != 2 || problem != std::errc() || end != digits.data() + 2)
      return fail(ErrorCode::malformed, "cannot decode: '%' without two hex digits");
    out += static_cast<char>(byte);
    i += 2;
  }
  return out;
}

bool is_loopback(std::string_view host) {
  if (host == "localhost" || host == "[::1]") return true;
  return host.starts_with("127.") && std::ranges::all_of(host, [](char c) { return is_digit(c) || c == '.'; });
}

}  // namespace dd::net
