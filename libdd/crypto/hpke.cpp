#include "libdd/crypto/hpke.hpp"

#include "libdd/crypto/evp.hpp"
#include "libdd/crypto/hkdf.hpp"
#include "libdd/crypto/hpke_schedule.hpp"

namespace dd::crypto {
namespace {

constexpr std::size_t kEncSize = 32;
constexpr std::size_t kTagSize = 16;

const EVP_CIPHER* chacha20_poly1305() {
  static const EVP_CIPHER* const cipher = EVP_CIPHER_fetch(nullptr, "ChaCha20-Poly1305", nullptr);
  if (cipher == nullptr) out_of_openssl("ChaCha20-Poly1305");
  return cipher;
}

bool start(EVP_CIPHER_CTX* context, const HpkeKeys& keys, ByteView aad, bool encrypt) {
  int size = 0;
  return EVP_CipherInit_ex2(context, chacha20_poly1305(), data_of(ByteView(keys.key)),
                            data_of(ByteView(keys.base_nonce)), encrypt ? 1 : 0, nullptr) == 1 &&
         EVP_CipherUpdate(context, nullptr, &size, data_of(aad), static_cast<int>(aad.size())) == 1;
}

Bytes encrypt(const HpkeKeys& keys, ByteView aad, ByteView plaintext) {
  const CipherCtxPtr context(EVP_CIPHER_CTX_new());
  Bytes out(plaintext.size() + kTagSize);
  const std::span<std::byte> all(out);
  int size = 0;
  int rest = 0;
  const bool good = start(context.get(), keys, aad, true) &&
                    EVP_CipherUpdate(context.get(), buffer_of(all), &size, data_of(plaintext),
                                     static_cast<int>(plaintext.size())) == 1 &&
                    EVP_CipherFinal_ex(context.get(), buffer_of(all.subspan(plaintext.size())), &rest) == 1 &&
                    EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, static_cast<int>(kTagSize),
                                        out.data() + plaintext.size()) == 1;
  if (!good) out_of_openssl("ChaCha20-Poly1305");
  return out;
}

Result<Bytes> decrypt(const HpkeKeys& keys, ByteView aad, ByteView ciphertext) {
  const ErrorQueueMark mark;
  const CipherCtxPtr context(EVP_CIPHER_CTX_new());
  const auto text = ciphertext.first(ciphertext.size() - kTagSize);
  Bytes tag(ciphertext.end() - kTagSize, ciphertext.end());
  // One byte more than the text: Final may be handed a pointer behind it.
  Bytes out(text.size() + 1);
  const std::span<std::byte> all(out);
  int size = 0;
  int rest = 0;
  const bool good =
      start(context.get(), keys, aad, false) &&
      EVP_CipherUpdate(context.get(), buffer_of(all), &size, data_of(text), static_cast<int>(text.size())) == 1 &&
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, static_cast<int>(kTagSize), tag.data()) == 1 &&
      EVP_CipherFinal_ex(context.get(), buffer_of(all.subspan(text.size())), &rest) == 1;
  if (!good)
    return fail(ErrorCode::unauthenticated,
                "cannot open sealed box: it was made for another key or purpose, or was altered");
  out.resize(text.size());
  return out;
}

}  // namespace

Result<Bytes> hpke_seal(const OkpPublicKey& to, ByteView info, ByteView aad, ByteView plaintext, Random& random) {
  return hpke_seal_with(OkpPrivateKey::generate(Curve::x25519, random), to, info, aad, plaintext);
}

Result<Bytes> hpke_seal_with(const OkpPrivateKey& ephemeral, const OkpPublicKey& to, ByteView info, ByteView aad,
                             ByteView plaintext) {
  const auto dh = ephemeral.agree(to);
  if (!dh) return wrap(dh.error(), "cannot seal");
  const auto& enc = ephemeral.public_key().raw();
  const auto keys = hpke_schedule(hpke_shared_secret(*dh, enc, to.raw()), info);
  Bytes sealed(enc.begin(), enc.end());
  const auto ciphertext = encrypt(keys, aad, plaintext);
  sealed.insert(sealed.end(), ciphertext.begin(), ciphertext.end());
  return sealed;
}

Result<Bytes> hpke_open(const OkpPrivateKey& key, ByteView info, ByteView aad, ByteView sealed) {
  if (sealed.size() < kEncSize + kTagSize)
    return fail(ErrorCode::malformed,
                "cannot open sealed box: " + std::to_string(sealed.size()) + " bytes, want 48 or more");
  Digest256 enc{};
  std::copy_n(sealed.begin(), kEncSize, enc.begin());
  const auto dh = key.agree(OkpPublicKey(Curve::x25519, enc));
  if (!dh) return wrap(dh.error(), "cannot open sealed box");
  const auto keys = hpke_schedule(hpke_shared_secret(*dh, enc, key.public_key().raw()), info);
  return decrypt(keys, aad, sealed.subspan(kEncSize));
}

}  // namespace dd::crypto
