#include "libdd/net/web_socket_request.hpp"

#include <algorithm>

#include "libdd/net/ascii.hpp"
#include "libdd/net/url.hpp"

namespace dd::net {
namespace {

// 16 bytes in base64.
constexpr std::size_t kKeySize = 24;

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool names(const std::string* list, std::string_view word) {
  if (list == nullptr) return false;
  for (std::string_view rest = *list; !rest.empty();) {
    const auto item = rest.substr(0, rest.find(','));
    if (same_ignoring_case(trimmed(item), word)) return true;
    rest.remove_prefix(std::min(item.size() + 1, rest.size()));
  }
  return false;
}

bool asks_for_one(const HttpHeaders& headers) {
  const auto* version = headers.find("Sec-WebSocket-Version");
  const auto* key = headers.find("Sec-WebSocket-Key");
  return names(headers.find("Connection"), "upgrade") && names(headers.find("Upgrade"), "websocket") &&
         version != nullptr && *version == "13" && key != nullptr && key->size() == kKeySize;
}

bool is_own_origin(const HttpHeaders& headers) {
  const auto* origin = headers.find("Origin");
  if (origin == nullptr) return true;
  const auto* host = headers.find("Host");
  const auto from = parse_url(*origin);
  if (host == nullptr || !from || headers.count("Origin") != 1) return false;
  const auto own = parse_url(from->scheme + "://" + *host);
  return own && own->authority() == from->authority();
}

}  // namespace

std::optional<Error> web_socket_problem(const ServerRequest& request) {
  if (request.method != "GET" || !asks_for_one(request.headers))
    return Error{ErrorCode::unsupported, "cannot answer: this is a WebSocket of version 13 (RFC 6455)", {}, {}};
  if (!is_own_origin(request.headers))
    return Error{
        ErrorCode::permission_denied, "cannot open a WebSocket for a page of another host", {}, "origin_mismatch"};
  return std::nullopt;
}

ServerResponse web_socket_refusal(const Error& problem, ServerResponse answer) {
  if (problem.code != ErrorCode::unsupported) return answer;
  answer.status = 426;
  answer.headers.add("Upgrade", "websocket");
  answer.headers.add("Sec-WebSocket-Version", "13");
  return answer;
}

}  // namespace dd::net
