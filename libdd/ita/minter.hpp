// Minting a token: a quote goes to Intel Trust Authority, a signed appraisal comes back.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "dd/bytes.hpp"
#include "dd/http.hpp"
#include "dd/secret.hpp"
#include "libdd/net/task.hpp"

namespace dd::ita {

struct MinterOptions {
  std::string base_url = "https://api.trustauthority.intel.com";
  Secret api_key;
  /// For all attempts together.
  std::chrono::milliseconds deadline{30'000};
  /// Between attempts: doubles from the first to the longest, with jitter.
  std::chrono::milliseconds first_wait{2'000};
  std::chrono::milliseconds longest_wait{10'000};
  /// After a 429 that names no time.
  std::chrono::milliseconds rate_limit_wait{10'000};
};

/// POST /appraisal/v1/attest. Retries 429, 500, 503, 504 and lost connections inside the deadline.
class Minter {
 public:
  Minter(std::shared_ptr<HttpTransport> transport, MinterOptions options);
  /// `quote` without trailing bytes; `runtime_data` is P. Errors: unauthenticated (the API key; names the host, since a key belongs to one region),
  /// invalid_argument (evidence refused or too large: another try with it cannot succeed), unavailable, upstream.
  net::Task<Result<std::string>> mint(Bytes quote, Bytes runtime_data);

 private:
  std::shared_ptr<HttpTransport> transport_;
  MinterOptions options_;
};

}  // namespace dd::ita
