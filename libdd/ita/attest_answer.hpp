// What an answer of Intel Trust Authority to an attest call means, and whether asking again can help.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "dd/http.hpp"
#include "dd/secret.hpp"

namespace dd::ita {

enum class Retry { never, backoff, rate_limited };

struct AttestAnswer {
  Result<std::string> token;
  Retry retry = Retry::never;
  /// What the service asked for with Retry-After.
  std::optional<std::chrono::seconds> retry_after = {};
};

/// `service` is the address as the operator configured it, for messages; `api_key` is cut out of whatever the service says.
[[nodiscard]] AttestAnswer read_attest_answer(const Result<HttpResponse>& response, std::string_view service,
                                              const Secret& api_key);

}  // namespace dd::ita
