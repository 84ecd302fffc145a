// Challenge nonces that need no memory: time and randomness under an HMAC (docs/wire.md, 5.1).
#pragma once

#include <chrono>
#include <string_view>

#include "dd/bytes.hpp"
#include "dd/clock.hpp"
#include "dd/random.hpp"

namespace dd::cp {

/// Makes and checks nonces. The key is kept with the registry, so any control-plane process of the fleet can check them.
/// Whether a register nonce was spent is the registry's business.
class Nonces {
 public:
  Nonces(Bytes key, const Clock& clock, Random& random);

  [[nodiscard]] Digest256 for_register();
  [[nodiscard]] Digest256 for_poll(std::string_view agent_id);

  /// Errors: unauthenticated with reason nonce_invalid or nonce_expired.
  [[nodiscard]] Result<void> check_register(const Digest256& nonce, std::chrono::milliseconds longest_age) const;
  [[nodiscard]] Result<void> check_poll(std::string_view agent_id, const Digest256& nonce,
                                        std::chrono::milliseconds longest_age) const;

 private:
  [[nodiscard]] Digest256 make(std::string_view purpose, std::string_view agent_id);
  [[nodiscard]] Result<void> check(std::string_view purpose, std::string_view agent_id, const Digest256& nonce,
                                   std::chrono::milliseconds longest_age) const;
  [[nodiscard]] Digest256 mac(std::string_view purpose, std::string_view agent_id, ByteView time_and_random) const;

  Bytes key_;
  const Clock& clock_;
  Random& random_;
};

}  // namespace dd::cp
