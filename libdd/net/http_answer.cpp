#include "libdd/net/http_answer.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <ctime>

#include <fmt/format.h>

#include "dd/bytes.hpp"
#include "dd/random.hpp"
#include "libdd/net/ascii.hpp"
#include "libdd/net/error_body.hpp"

namespace dd::net {
namespace {

std::string_view reason_phrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 426:
      return "Upgrade Required";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    default:
      return "Unknown";
  }
}

bool is_token(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) {
    return is_alnum(c) || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

/// Framing is the server's alone; a handler that could set it could split answers.
bool is_framing(std::string_view name) {
  return same_ignoring_case(name, "Content-Length") || same_ignoring_case(name, "Transfer-Encoding") ||
         same_ignoring_case(name, "Connection");
}

void add_header(std::string& head, std::string_view name, std::string_view value) {
  if (!is_token(name) || std::ranges::any_of(value, is_control)) return;
  head.append(name).append(": ").append(value).append("\r\n");
}

/// RFC 9110, 6.6.1. Formatted once a second, not once an answer.
std::string_view date_now() {
  thread_local std::time_t second = 0;
  thread_local std::array<char, 32> text{};
  if (const auto now = std::time(nullptr); now != second) {
    second = now;
    std::tm utc{};
    gmtime_r(&now, &utc);
    std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &utc);
  }
  return text.data();
}

}  // namespace

std::string answer_head(const ServerResponse& answer, std::string_view request_id, Persistence persistence) {
  std::string head;
  head.reserve(384);
  fmt::format_to(std::back_inserter(head), "HTTP/1.1 {} {}\r\n", answer.status, reason_phrase(answer.status));
  add_header(head, "Date", date_now());
  add_header(head, "X-Request-Id", request_id);
  add_header(head, "X-Content-Type-Options", "nosniff");
  if (!answer.headers.find("Cache-Control")) add_header(head, "Cache-Control", "no-store");
  if (persistence == Persistence::close) add_header(head, "Connection", "close");
  // RFC 9110, 8.6: these two have no content and no length.
  if (answer.status != 204 && answer.status != 304) {
    if (!answer.content_type.empty()) add_header(head, "Content-Type", answer.content_type);
    fmt::format_to(std::back_inserter(head), "Content-Length: {}\r\n", answer.body.size());
  }
  for (const auto& [name, value] : answer.headers.all())
    if (!is_framing(name)) add_header(head, name, value);
  head += "\r\n";
  return head;
}

ServerResponse error_answer(const Error& error, std::string_view request_id, int status) {
  ServerResponse answer;
  answer.status = status != 0 ? status : http_status(error.code);
  answer.body = error_body(error, request_id);
  // RFC 9110, 15.5.2: a 401 says how to authenticate.
  if (answer.status == 401) answer.headers.add("WWW-Authenticate", "Bearer");
  if (error.retry_after.count() > 0) answer.headers.add("Retry-After", std::to_string(error.retry_after.count()));
  return answer;
}

bool is_request_id(std::string_view text) noexcept {
  return !text.empty() && text.size() <= 64 &&
         std::ranges::all_of(text, [](char c) { return is_alnum(c) || c == '.' || c == '_' || c == '-'; });
}

std::string new_request_id() {
  static const std::string process = [] {
    std::array<std::byte, 6> bytes{};
    system_random().fill(bytes);
    return to_hex(bytes);
  }();
  static std::atomic<std::uint64_t> count{0};
  return fmt::format("{}-{:x}", process, ++count);
}

}  // namespace dd::net
