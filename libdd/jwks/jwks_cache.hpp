// The key set of one issuer, fetched when needed and never in a flood. Shared by everyone who verifies that issuer's tokens.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "dd/clock.hpp"
#include "dd/http.hpp"
#include "libdd/crypto/jws.hpp"
#include "libdd/net/task.hpp"

namespace dd::jwks {

struct JwksOptions {
  std::string url;
  /// Age at which the set is fetched again when the answer has no Cache-Control max-age; that is held between retry and a day.
  std::chrono::seconds refresh{3600};
  /// Least time between two fetches, whatever the reason: an unknown kid, an old set, a failure.
  std::chrono::seconds retry{60};
  /// The same while there is no set at all.
  std::chrono::seconds first_retry{5};
  std::chrono::milliseconds deadline{10'000};
};

/// A fetch that fails leaves the last good set in place; one that succeeds replaces it whole, so keys that vanish are gone. Concurrent callers
/// share one fetch. One cache per issuer and process. Use on one io thread; it may go while callers wait.
class JwksCache {
 public:
  JwksCache(net::asio::any_io_executor executor, std::shared_ptr<HttpTransport> transport, const Clock& clock,
            JwksOptions options);

  /// The key for exactly this kid and algorithm; other keys are not tried. Errors: unauthenticated when the set has none, unavailable when there
  /// is no set.
  net::Task<Result<crypto::RsaPublicKey>> key(std::string kid, crypto::Algorithm algorithm);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace dd::jwks
