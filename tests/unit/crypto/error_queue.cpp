// What is refused must leave nothing behind in OpenSSL's queue of errors: a TLS connection on the same thread would take it for its own.
#include <doctest/doctest.h>

#include <openssl/err.h>

#include "libdd/crypto/ec_key.hpp"
#include "libdd/crypto/hpke.hpp"
#include "libdd/crypto/rsa.hpp"
#include "libdd/crypto/x509.hpp"

using namespace dd;
using namespace dd::crypto;

TEST_CASE("a refusal leaves OpenSSL's error queue as it was") {
  const auto ed25519 = OkpPrivateKey::generate(Curve::ed25519, system_random());
  const auto x25519 = OkpPrivateKey::generate(Curve::x25519, system_random());
  const auto ec = EcPrivateKey::generate();
  const auto rsa_key = RsaPrivateKey::generate(2048);
  const auto rsa = RsaPublicKey::from_components(rsa_key.n(), rsa_key.e()).value();
  const auto sealed = hpke_seal(x25519.public_key(), {}, {}, as_bytes("x"), system_random()).value();
  Digest512 beyond{};
  beyond.fill(std::byte{0xff});

  const struct {
    const char* name;
    bool refused;
  } cases[] = {
      {"Ed25519", !verify(ed25519.public_key(), as_bytes("m"), beyond)},
      {"X25519", !x25519.agree(OkpPublicKey(Curve::x25519, {})).has_value()},
      {"ECDSA", !ec.public_key().verify(as_bytes("other"), ec.sign(as_bytes("m")))},
      {"ECDSA, r and s too large", !ec.public_key().verify(as_bytes("m"), beyond)},
      {"EC point", !EcPublicKey::from_point(beyond).has_value()},
      {"EC private key",
       !EcPrivateKey::from_pem("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n").has_value()},
      {"RS256", !rsa.verify(Algorithm::rs256, as_bytes("other"), rsa_key.sign(Algorithm::rs256, as_bytes("m")))},
      {"PS384", !rsa.verify(Algorithm::ps384, as_bytes("other"), rsa_key.sign(Algorithm::ps384, as_bytes("m")))},
      {"HPKE", !hpke_open(x25519, as_bytes("other"), {}, sealed).has_value()},
      {"certificate", !Certificate::from_der(as_bytes("no DER")).has_value()},
      {"PEM", !certificates_from_pem("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", 1).has_value()},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    CHECK(c.refused);
  }
  CHECK(ERR_peek_error() == 0);
}

TEST_CASE("errors that were queued before stay") {
  const auto key = EcPrivateKey::generate();
  ERR_raise(ERR_LIB_USER, 7);
  CHECK_FALSE(key.public_key().verify(as_bytes("other"), key.sign(as_bytes("m"))));
  CHECK(ERR_GET_REASON(ERR_get_error()) == 7);
  CHECK(ERR_peek_error() == 0);
}
