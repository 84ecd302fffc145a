#include "libdd/crypto/hpke_schedule.hpp"

#include "libdd/crypto/hkdf.hpp"

namespace dd::crypto {
namespace {

using namespace std::literals;

constexpr auto kVersion = "HPKE-v1"sv;
constexpr auto kKemSuite = "KEM\x00\x20"sv;                      // DHKEM(X25519, HKDF-SHA256)
constexpr auto kHpkeSuite = "HPKE\x00\x20\x00\x01\x00\x03"sv;  // with HKDF-SHA256 and ChaCha20-Poly1305

void append(Bytes& out, ByteView part) { out.insert(out.end(), part.begin(), part.end()); }

// RFC 9180, 4: LabeledExtract and LabeledExpand.
Digest256 labeled_extract(std::string_view suite, ByteView salt, std::string_view label, ByteView input) {
  Bytes labeled;
  for (const auto part : {as_bytes(kVersion), as_bytes(suite), as_bytes(label), input}) append(labeled, part);
  return hkdf_extract(salt, labeled);
}

Bytes labeled_expand(std::string_view suite, const Digest256& prk, std::string_view label, ByteView info,
                     std::size_t size) {
  Bytes labeled{static_cast<std::byte>(size >> 8), static_cast<std::byte>(size & 0xff)};
  for (const auto part : {as_bytes(kVersion), as_bytes(suite), as_bytes(label), info}) append(labeled, part);
  return hkdf_expand(prk, labeled, size);
}

}  // namespace

Digest256 hpke_shared_secret(const Digest256& dh, const Digest256& enc, const Digest256& recipient) {
  Bytes kem_context;
  append(kem_context, enc);
  append(kem_context, recipient);
  const auto prk = labeled_extract(kKemSuite, {}, "eae_prk", dh);
  const auto secret = labeled_expand(kKemSuite, prk, "shared_secret", kem_context, 32);
  Digest256 out{};
  std::copy(secret.begin(), secret.end(), out.begin());
  return out;
}

HpkeKeys hpke_schedule(const Digest256& shared_secret, ByteView info) {
  Bytes context{std::byte{0}};  // mode_base
  append(context, labeled_extract(kHpkeSuite, {}, "psk_id_hash", {}));
  append(context, labeled_extract(kHpkeSuite, {}, "info_hash", info));
  const auto secret = labeled_extract(kHpkeSuite, shared_secret, "secret", {});
  const auto key = labeled_expand(kHpkeSuite, secret, "key", context, 32);
  const auto nonce = labeled_expand(kHpkeSuite, secret, "base_nonce", context, 12);
  HpkeKeys keys;
  std::copy(key.begin(), key.end(), keys.key.begin());
  std::copy(nonce.begin(), nonce.end(), keys.base_nonce.begin());
  return keys;
}

}  // namespace dd::crypto
