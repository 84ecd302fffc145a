// Cloudflare's answer envelope, and what a failed call tells (spec: Cloudflare API v4, "Making API calls").
#pragma once

#include <chrono>
#include <optional>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "dd/http.hpp"
#include "dd/secret.hpp"

namespace dd::tunnel {

/// Codes of the envelope that we branch on; the messages are for the log only.
namespace api_code {
constexpr int kThrottled = 971;
constexpr int kTunnelNameTaken = 1013;
constexpr int kTunnelHasConnections = 1022;
constexpr int kRecordMissing = 81044;
constexpr int kHostHasRecord = 81053;
constexpr int kHostHasCname = 81054;
constexpr int kRecordExists = 81057;
constexpr int kIdenticalRecord = 81058;
}  // namespace api_code

/// Whether the call may have had its effect although it failed.
enum class Effect { none, unknown };

struct ApiFailure {
  Error error;
  int status = 0;  // 0: there was no answer
  std::vector<int> codes = {};
  Effect effect = Effect::none;
  std::optional<std::chrono::seconds> retry_after = {};  // set when throttled

  [[nodiscard]] bool has(int code) const noexcept;
  [[nodiscard]] bool is_missing() const noexcept { return error.code == ErrorCode::not_found; }
};

template <class T>
using ApiResult = tl::expected<T, ApiFailure>;

struct ApiAnswer {
  nlohmann::json result;
  std::size_t count = 0;                   // of result_info, or the size of a result that is a list
  std::optional<std::size_t> total_count;  // absent when the call has no result_info
};

/// Only `success: true` is success, whatever the HTTP status says. `what` completes "cannot …"; `api_token` is cut out of every message.
[[nodiscard]] ApiResult<ApiAnswer> read_envelope(const HttpResponse& response, std::string_view what,
                                                 const Secret& api_token);

/// One printable line of at most `longest` bytes without `secret` and without anything as long as a tunnel token or secret.
[[nodiscard]] std::string redact(std::string_view text, const Secret& secret, std::size_t longest = 200);

}  // namespace dd::tunnel
