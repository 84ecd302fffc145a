// Tickets for one WebSocket each: a browser can send no Authorization with one, and a cookie alone would let other pages open it.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <string_view>

#include "dd/bytes.hpp"
#include "dd/clock.hpp"
#include "dd/error.hpp"
#include "dd/random.hpp"

namespace dd::enclave_client {

/// Use on one io thread.
class Tickets {
 public:
  static constexpr std::chrono::seconds kLife{30};
  static constexpr std::size_t kMost = 256;

  /// Borrows both.
  Tickets(const Clock& clock, Random& random) : clock_(clock), random_(random) {}

  /// For whoever proved to be `principal`, and for this workload only. Errors: rate_limited when kMost wait to be used.
  [[nodiscard]] Result<std::string> issue(std::string app_name, std::string principal);
  /// The principal. The ticket is gone, also when it was for another workload. Errors: unauthenticated.
  [[nodiscard]] Result<std::string> spend(std::string_view ticket, std::string_view app_name);

 private:
  struct Issued {
    std::string app_name;
    std::string principal;
    Clock::TimePoint expires;
  };
  void drop_expired();

  const Clock& clock_;
  Random& random_;
  std::map<Digest256, Issued> issued_;  // by SHA-256: how long a look-up takes says nothing of a ticket
};

}  // namespace dd::enclave_client
