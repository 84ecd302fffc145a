#include <algorithm>

#include "libdd/net/ascii.hpp"
#include "libdd/net/http_server.hpp"
#include "libdd/net/target.hpp"

namespace dd::net {
namespace {

std::ptrdiff_t placeholders(const Router::Route& route) {
  return std::ranges::count_if(route.segments, is_placeholder);
}

void add_method(std::string& allow, std::string_view method) {
  if (!allow.empty()) allow += ", ";
  allow += method;
}

}  // namespace

std::optional<std::string> ServerRequest::query_value(std::string_view name) const {
  const auto at = std::ranges::find(query, name, &std::pair<std::string, std::string>::first);
  if (at == query.end()) return std::nullopt;
  return at->second;
}

void Router::add(std::string method, std::string pattern, Handler handler, RouteOptions options) {
  routes_.push_back(Route{std::move(method), split_path(pattern), std::move(handler), std::move(options)});
}

void Router::add_web_socket(std::string pattern, WebSocketHandler talk, RouteOptions options) {
  routes_.push_back(Route{"GET", split_path(pattern), {}, std::move(options), std::move(talk)});
}

Router::Match Router::match(std::string_view method, std::string_view path) const {
  // RFC 9110, 9.3.2: HEAD is GET without the content.
  const auto wanted = method == "HEAD" ? std::string_view("GET") : method;
  const auto segments = split_path(path);
  Match match;
  for (const auto& route : routes_) {
    auto params = match_segments(route.segments, segments);
    if (!params) continue;
    if (route.method != wanted) {
      if (match.allow.find(route.method) != std::string::npos) continue;
      add_method(match.allow, route.method);
      if (route.method == "GET") add_method(match.allow, "HEAD");
    } else if (!match.route || placeholders(route) < placeholders(*match.route)) {
      // "/agents/me" before "/agents/{id}", whichever was added first.
      match.route = &route;
      match.params = *std::move(params);
    }
  }
  if (match.route) match.allow.clear();
  return match;
}

ServerResponse json_response(std::string body, int status) {
  ServerResponse response;
  response.status = status;
  response.body = std::move(body);
  return response;
}

}  // namespace dd::net
