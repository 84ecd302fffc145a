// Minting a token: a quote goes to Intel Trust Authority, a signed appraisal comes back.
#pragma once

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
  std::chrono::milliseconds deadline{30'000};
};

/// POST /appraisal/v1/attest. Retries 429, 500, 503, 504 and lost connections inside the deadline.
class Minter {
 public:
  Minter(std::shared_ptr<HttpTransport> transport, MinterOptions options);
  /// `quote` without trailing bytes; `runtime_data` is P. Errors: unauthenticated (API key; names the region), invalid_argument (evidence refused), unavailable, upstream.
  net::Task<Result<std::string>> mint(Bytes quote, Bytes runtime_data);

 private:
  std::shared_ptr<HttpTransport> transport_;
  MinterOptions options_;
};

}  // namespace dd::ita
