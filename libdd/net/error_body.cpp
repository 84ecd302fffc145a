#include "libdd/net/error_body.hpp"

#include <nlohmann/json.hpp>

#include "libdd/net/ascii.hpp"
#include "libdd/net/retry_after.hpp"

namespace dd::net {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kShownBytes = 200;

/// Foreign bytes may sit in a message: replaced where they are not UTF-8, so that nothing throws.
std::string to_line(const Json& body) { return body.dump(-1, ' ', false, Json::error_handler_t::replace); }

void add_details(Json& body, const Error& error) {
  body["code"] = to_string(error.code);
  if (!error.path.empty()) body["path"] = error.path;
  if (!error.reason.empty()) body["reason"] = error.reason;
}

std::string text_member(const Json& body, const char* name) {
  const auto at = body.find(name);
  return at != body.end() && at->is_string() ? at->get<std::string>() : std::string();
}

/// Foreign bytes go into a message: one line, printable.
std::string shown(std::string_view body) {
  std::string out(body.substr(0, kShownBytes));
  for (auto& c : out)
    if (is_control(c)) c = ' ';
  return out;
}

}  // namespace

std::string error_body(const Error& error, std::string_view request_id) {
  Json body = {{"message", error.message}, {"request_id", request_id}};
  add_details(body, error);
  return to_line(body);
}

std::string line_error(const Error& error) {
  Json body = {{"ok", false}, {"error", error.message}};
  add_details(body, error);
  return to_line(body);
}

Error error_from(const HttpResponse& response) {
  const auto again = retry_after(response.headers).value_or(std::chrono::seconds(0));
  const auto body = Json::parse(response.body, nullptr, false);
  if (body.is_object()) {
    Error error{error_code_from(text_member(body, "code")), text_member(body, "message"), text_member(body, "path"),
                text_member(body, "reason")};
    // Another system may well have members of these names; ours always agree with the status.
    const bool known = to_string(error.code) == text_member(body, "code");
    error.retry_after = again;
    if (known && !error.message.empty()) return error;
  }
  Error error{ErrorCode::upstream,
              "cannot use answer: status " + std::to_string(response.status) + ": " + shown(response.body)};
  error.retry_after = again;
  return error;
}

}  // namespace dd::net
