#include "libdd/ita/attest_answer.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "libdd/core/json.hpp"
#include "libdd/ita/token_claims.hpp"
#include "libdd/net/ascii.hpp"
#include "libdd/net/retry_after.hpp"

namespace dd::ita {
namespace {

constexpr std::size_t kLongestText = 1024;
constexpr std::size_t kLongestId = 128;

/// One line of printable ASCII, so that cutting it cannot split a character.
std::string printable(std::string text, std::size_t longest) {
  if (text.size() > longest) text.resize(longest);
  std::ranges::replace_if(text, [](char c) { return net::is_control(c) || static_cast<unsigned char>(c) > 0x7e; }, '?');
  return text;
}

void redact(std::string& text, std::string_view secret) {
  if (secret.empty()) return;
  for (auto at = text.find(secret); at != std::string::npos; at = text.find(secret, at))
    text.replace(at, secret.size(), "[redacted]");
}

/// The service calls its text `error` (400) or `message` (401, 429); a gateway before it sends HTML or nothing.
std::string text_of(const HttpResponse& response, const Secret& api_key) {
  auto text = response.body;
  if (const auto body = parse_json(response.body); body && body->is_object())
    for (const auto* name : {"error", "message"})
      if (const auto member = body->find(name); member != body->end() && member->is_string())
        text = member->get<std::string>();
  redact(text, api_key.reveal());
  return printable(std::move(text), kLongestText);
}

/// "503: Service Unavailable (request-id 1f2e, trace-id 77)".
std::string describe(const HttpResponse& response, const Secret& api_key) {
  auto out = std::to_string(response.status);
  if (const auto text = text_of(response, api_key); !text.empty()) out += ": " + text;
  std::string ids;
  for (const auto* name : {"request-id", "trace-id"})
    if (const auto* id = response.headers.find(name))
      ids += (ids.empty() ? "" : ", ") + std::string(name) + " " + printable(*id, kLongestId);
  return ids.empty() ? out : out + " (" + ids + ")";
}

AttestAnswer read_token(const HttpResponse& response, const std::string& context) {
  const auto body = parse_json(response.body, {2 * kLongestToken, 32});
  if (!body) return {fail(ErrorCode::upstream, context + "the answer is no JSON")};
  ObjectReader reader(*body, "$");
  auto token = reader.text("token", {1, kLongestToken});
  if (reader.error()) return {fail(ErrorCode::upstream, context + reader.error()->message)};
  return {std::move(token)};
}

}  // namespace

AttestAnswer read_attest_answer(const Result<HttpResponse>& response, std::string_view service, const Secret& api_key) {
  const auto context = "cannot mint token at " + std::string(service) + ": ";
  if (!response) {
    const bool lost = response.error().code == ErrorCode::unavailable;
    const auto code =
        response.error().code == ErrorCode::deadline_exceeded ? ErrorCode::unavailable : response.error().code;
    return {fail(code, context + response.error().message), lost ? Retry::backoff : Retry::never};
  }
  switch (response->status) {
    case 200:
      return read_token(*response, context);
    case 400:
      return {fail(ErrorCode::invalid_argument, context + "evidence refused, " + describe(*response, api_key))};
    case 413:
      return {fail(ErrorCode::invalid_argument, context + "evidence too large, " + describe(*response, api_key))};
    case 401:
    case 403:
      return {fail(ErrorCode::unauthenticated,
                   context + "API key refused (a key is good for one region, and may be disabled), " +
                       describe(*response, api_key))};
    case 429:
      return {fail(ErrorCode::unavailable, context + "too many requests, " + describe(*response, api_key)),
              Retry::rate_limited, net::retry_after(response->headers)};
    case 500:
    case 503:
    case 504:
      return {fail(ErrorCode::unavailable, context + describe(*response, api_key)), Retry::backoff,
              net::retry_after(response->headers)};
    default:
      return {fail(ErrorCode::upstream, context + describe(*response, api_key))};
  }
}

}  // namespace dd::ita
