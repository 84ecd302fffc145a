#include "libdd/tunnel/cloudflare_envelope.hpp"

#include <algorithm>

#include "libdd/core/json.hpp"
#include "libdd/net/ascii.hpp"
#include "libdd/net/retry_after.hpp"

namespace dd::tunnel {
namespace {

/// A tunnel secret is 44 characters, a UUID 36.
constexpr std::size_t kLongestHarmless = 39;
/// What Cloudflare refuses everything for, once its limit is passed.
constexpr std::chrono::seconds kDefaultPause{300};
constexpr std::chrono::seconds kLongestPause{3600};
constexpr JsonLimits kAnswerLimits{8 * 1024 * 1024, 32};

std::string without(std::string_view text, std::string_view secret) {
  std::string out;
  for (auto at = std::string_view::npos; !secret.empty() && (at = text.find(secret)) != std::string_view::npos;) {
    out += std::string(text.substr(0, at)) + "[redacted]";
    text.remove_prefix(at + secret.size());
  }
  return out += text;
}

bool is_encoded(char c) { return net::is_alnum(c) || c == '+' || c == '/' || c == '_' || c == '-' || c == '='; }

std::chrono::seconds pause_of(const HttpResponse& response) {
  return std::min(net::retry_after(response.headers).value_or(kDefaultPause), kLongestPause);
}

const Json* member(const Json& object, const char* name) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(name);
  return found == object.end() ? nullptr : &*found;
}

std::optional<std::size_t> count_in(const Json& info, const char* name) {
  const auto* value = member(info, name);
  if (!value || !value->is_number_unsigned()) return std::nullopt;
  return value->get<std::size_t>();
}

ErrorCode code_for(const ApiFailure& failure) {
  if (failure.has(api_code::kRecordMissing) || failure.status == 404) return ErrorCode::not_found;
  if (failure.has(api_code::kTunnelNameTaken) || failure.status == 409) return ErrorCode::conflict;
  if (failure.status == 401) return ErrorCode::unauthenticated;
  if (failure.status == 403) return ErrorCode::permission_denied;
  return ErrorCode::upstream;
}

/// Codes and the first message of `errors`; anything of another shape is passed over.
std::string read_errors(const Json& document, ApiFailure& failure) {
  std::string first;
  const auto* errors = member(document, "errors");
  if (!errors || !errors->is_array()) return first;
  for (const auto& entry : *errors) {
    const auto* code = member(entry, "code");
    const auto* message = member(entry, "message");
    if (code && code->is_number_integer()) failure.codes.push_back(code->get<int>());
    if (first.empty() && message && message->is_string()) first = message->get<std::string>();
  }
  return first;
}

std::string describe(const ApiFailure& failure) {
  auto text = " (HTTP " + std::to_string(failure.status);
  for (const auto code : failure.codes) text += ", code " + std::to_string(code);
  return text + ")";
}

tl::unexpected<ApiFailure> refused(ApiFailure failure, std::string_view what, const std::string& says) {
  failure.error.message = "cannot " + std::string(what) + ": Cloudflare says \"" + says + "\"" + describe(failure);
  return tl::unexpected(std::move(failure));
}

}  // namespace

bool ApiFailure::has(int code) const noexcept { return std::ranges::find(codes, code) != codes.end(); }

std::string redact(std::string_view text, const Secret& secret, std::size_t longest) {
  const auto shown = without(text, secret.reveal());
  std::string out;
  for (auto at = shown.begin(); at != shown.end();) {
    const auto end = std::find_if_not(at, shown.end(), is_encoded);
    if (end - at > static_cast<std::ptrdiff_t>(kLongestHarmless))
      out += "[redacted]";
    else
      out.append(at, end);
    at = end;
    if (at != shown.end()) out += net::is_control(*at) || static_cast<unsigned char>(*at) >= 0x80 ? ' ' : *at;
    if (at != shown.end()) ++at;
    if (out.size() > longest) break;
  }
  out.resize(std::min(out.size(), longest));
  return out;
}

ApiResult<ApiAnswer> read_envelope(const HttpResponse& response, std::string_view what, const Secret& api_token) {
  ApiFailure failure;
  failure.status = response.status;
  auto document = parse_json(response.body, kAnswerLimits);
  auto says = document ? redact(read_errors(*document, failure), api_token) : std::string();

  if (response.status == 429 || failure.has(api_code::kThrottled)) {
    failure.error.code = ErrorCode::rate_limited;
    failure.retry_after = pause_of(response);
    failure.error.retry_after = *failure.retry_after;
    return refused(std::move(failure), what, says.empty() ? "too many requests" : says);
  }
  if (response.status >= 500) {
    failure.error.code = ErrorCode::unavailable;
    failure.effect = Effect::unknown;
    return refused(std::move(failure), what, says.empty() ? redact(response.body, api_token) : says);
  }
  const auto* success = document ? member(*document, "success") : nullptr;
  if (!success || !success->is_boolean()) {
    failure.error.code = response.status == 404 ? ErrorCode::not_found : ErrorCode::upstream;
    // Something on the way answered; what became of the call is open.
    failure.effect = Effect::unknown;
    return refused(std::move(failure), what, redact(response.body, api_token));
  }
  if (!success->get<bool>()) {
    failure.error.code = code_for(failure);
    return refused(std::move(failure), what, says.empty() ? "no reason" : says);
  }
  ApiAnswer answer;
  if (auto result = document->find("result"); result != document->end()) answer.result = std::move(*result);
  const auto* info = member(*document, "result_info");
  if (info) answer.total_count = count_in(*info, "total_count");
  answer.count = answer.result.is_array() ? answer.result.size() : 0;
  return answer;
}

}  // namespace dd::tunnel
