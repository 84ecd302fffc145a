#include "libdd/cp/nonces.hpp"

#include <algorithm>
#include <utility>

#include "libdd/crypto/digest.hpp"

namespace dd::cp {
namespace {

constexpr std::string_view kRegisterPurpose = "dd/nonce/register/v1";
constexpr std::string_view kPollPurpose = "dd/nonce/poll/v1";
constexpr std::size_t kTimeSize = 8;
constexpr std::size_t kPlainSize = 16;  // time and randomness; the MAC follows
// A control plane that took over may have a clock slightly behind the one that made the nonce.
constexpr std::int64_t kFutureMillis = 5'000;

}  // namespace

Nonces::Nonces(Bytes key, const Clock& clock, Random& random) : key_(std::move(key)), clock_(clock), random_(random) {}

Digest256 Nonces::for_register() { return make(kRegisterPurpose, {}); }

Digest256 Nonces::for_poll(std::string_view agent_id) { return make(kPollPurpose, agent_id); }

Result<void> Nonces::check_register(const Digest256& nonce, std::chrono::milliseconds longest_age) const {
  return check(kRegisterPurpose, {}, nonce, longest_age);
}

Result<void> Nonces::check_poll(std::string_view agent_id, const Digest256& nonce,
                                std::chrono::milliseconds longest_age) const {
  return check(kPollPurpose, agent_id, nonce, longest_age);
}

Digest256 Nonces::make(std::string_view purpose, std::string_view agent_id) {
  Digest256 nonce{};
  auto millis = static_cast<std::uint64_t>(clock_.unix_millis());
  for (std::size_t i = kTimeSize; i-- > 0; millis >>= 8) nonce[i] = static_cast<std::byte>(millis & 0xff);
  random_.fill(std::span(nonce).subspan(kTimeSize, kPlainSize - kTimeSize));
  const auto tag = mac(purpose, agent_id, ByteView(nonce).first(kPlainSize));
  std::copy_n(tag.begin(), nonce.size() - kPlainSize, nonce.begin() + kPlainSize);
  return nonce;
}

Result<void> Nonces::check(std::string_view purpose, std::string_view agent_id, const Digest256& nonce,
                           std::chrono::milliseconds longest_age) const {
  const auto tag = mac(purpose, agent_id, ByteView(nonce).first(kPlainSize));
  if (!constant_time_equal(ByteView(tag).first(nonce.size() - kPlainSize), ByteView(nonce).subspan(kPlainSize)))
    return fail(ErrorCode::unauthenticated, "nonce_invalid",
                "cannot accept nonce: this fleet did not make it for this purpose");
  std::uint64_t millis = 0;
  for (std::size_t i = 0; i < kTimeSize; ++i) millis = (millis << 8) | std::to_integer<std::uint64_t>(nonce[i]);
  const auto age = clock_.unix_millis() - static_cast<std::int64_t>(millis);
  if (age > longest_age.count() || age < -kFutureMillis)
    return fail(ErrorCode::unauthenticated, "nonce_expired",
                "cannot accept nonce: it is older than " + std::to_string(longest_age.count() / 1000) + " s");
  return {};
}

Digest256 Nonces::mac(std::string_view purpose, std::string_view agent_id, ByteView time_and_random) const {
  static constexpr std::byte kZero{0};
  const ByteView zero(&kZero, 1);
  // The agent id ends with a zero byte of its own; without one, ids could be shifted into the time.
  if (agent_id.empty()) return crypto::hmac_sha256(key_, {as_bytes(purpose), zero, time_and_random});
  return crypto::hmac_sha256(key_, {as_bytes(purpose), zero, as_bytes(agent_id), zero, time_and_random});
}

}  // namespace dd::cp
