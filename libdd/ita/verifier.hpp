// Verifying Intel Trust Authority tokens (spec of the token: ITA v1 and v2 claims; rules for JWS as RFC 8725 has them).
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "dd/claims.hpp"
#include "dd/clock.hpp"
#include "dd/http.hpp"
#include "libdd/net/task.hpp"

namespace dd::ita {

struct VerifierOptions {
  std::string issuer = "https://portal.trustauthority.intel.com";
  std::string jwks_url = "https://portal.trustauthority.intel.com/certs";
  /// "TDX"; a simulator's service says another word, accepted only when `simulated` is set (and the build allows it).
  std::string attester_type = "TDX";
  bool simulated = false;
  std::chrono::seconds leeway{60};
  std::chrono::seconds longest_life{3600};
  /// Verified tokens remembered.
  std::size_t cache_limit = 4096;
};

/// Checks signature (RS256, PS384), issuer, times, attester type and debug claims, and decodes the claims. It decides nothing about measurements or
/// report data. A token seen before is answered from a bounded cache until its exp. Use on one io thread.
class Verifier {
 public:
  Verifier(net::asio::any_io_executor executor, std::shared_ptr<HttpTransport> transport, const Clock& clock,
           VerifierOptions options);
  Verifier(const Verifier&) = delete;
  Verifier& operator=(const Verifier&) = delete;
  ~Verifier();
  /// Errors: unauthenticated, reason token_expired (good otherwise) or token_invalid, naming the claim; unavailable when the key set cannot be had.
  net::Task<Result<TdxClaims>> verify(std::string token);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace dd::ita
