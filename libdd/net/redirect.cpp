#include "libdd/net/redirect.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>

#include <boost/asio/ip/address_v6.hpp>

#include "libdd/net/ascii.hpp"
#include "libdd/net/url.hpp"

namespace dd::net {
namespace {

constexpr std::array kHarmless = {std::string_view("Accept"), std::string_view("Accept-Language"),
                                  std::string_view("Content-Type"), std::string_view("User-Agent"),
                                  std::string_view("X-Request-Id")};

bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

bool is_harmless(std::string_view name) {
  return std::ranges::any_of(kHarmless, [&](std::string_view harmless) { return same_ignoring_case(harmless, name); });
}

HttpHeaders harmless_only(const HttpHeaders& headers) {
  HttpHeaders kept;
  for (const auto& [name, value] : headers.all())
    if (is_harmless(name)) kept.add(name, value);
  return kept;
}

enum class Place { elsewhere, this_machine, this_link };

Place place_of(std::uint32_t address) {
  constexpr std::uint32_t kLinkLocal = 0xA9FE;  // 169.254.0.0/16, where clouds keep a machine's metadata
  if (address >> 24 == 127 || address >> 24 == 0) return Place::this_machine;
  return address >> 16 == kLinkLocal ? Place::this_link : Place::elsewhere;
}

/// Of an address in any spelling that a resolver takes ("127.1", "0x7f000001"), or a name that always means this machine.
Place place_of(std::string_view host) {
  if (host == "localhost" || host.ends_with(".localhost") || host.ends_with("localhost.")) return Place::this_machine;
  in_addr v4{};
  if (inet_aton(std::string(host).c_str(), &v4) != 0) return place_of(ntohl(v4.s_addr));
  if (!host.starts_with('[') || !host.ends_with(']')) return Place::elsewhere;
  boost::system::error_code ec;
  const auto v6 = boost::asio::ip::make_address_v6(std::string(host.substr(1, host.size() - 2)), ec);
  if (ec) return Place::elsewhere;
  if (v6.is_v4_mapped()) return place_of(boost::asio::ip::make_address_v4(boost::asio::ip::v4_mapped, v6).to_uint());
  if (v6.is_loopback() || v6.is_unspecified()) return Place::this_machine;
  return v6.is_link_local() ? Place::this_link : Place::elsewhere;
}

/// A server elsewhere leads us neither to what listens on this machine nor to what only its link reaches.
bool leads_inside(const Url& from, const Url& to) {
  if (to.host == from.host) return false;
  const auto place = place_of(std::string_view(to.host));
  return place == Place::this_link || (place == Place::this_machine && place_of(std::string_view(from.host)) != place);
}

/// RFC 9110, 15.4.2 to 15.4.4: 303 always, 301 and 302 by custom for POST.
bool becomes_get(int status, const std::string& method) {
  if (method == "GET" || method == "HEAD") return false;
  return status == 303 || ((status == 301 || status == 302) && method == "POST");
}

}  // namespace

std::optional<HttpRequest> follow_redirect(const HttpRequest& request, const HttpResponse& response) {
  const auto* location = response.headers.find("Location");
  if (!is_redirect(response.status) || !location || request.max_redirects <= 0) return std::nullopt;
  const auto from = parse_url(request.url);
  if (!from) return std::nullopt;
  const auto to = resolve_url(*from, *location);
  if (!to || (from->scheme == "https" && to->scheme == "http") || leads_inside(*from, *to)) return std::nullopt;

  HttpRequest next = request;
  next.url = to->text();
  --next.max_redirects;
  if (to->origin() != from->origin()) next.headers = harmless_only(request.headers);
  if (becomes_get(response.status, request.method)) {
    next.method = "GET";
    next.body.clear();
    next.headers.remove("Content-Type");
  }
  return next;
}

}  // namespace dd::net
