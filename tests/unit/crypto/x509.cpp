#include "libdd/crypto/x509.hpp"

#include <doctest/doctest.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include "libdd/crypto/certificate_builder.hpp"
#include "libdd/crypto/digest.hpp"

using namespace dd;
using namespace dd::crypto;

namespace {

// Intel SGX Root CA, as every genuine quote carries it.
constexpr std::string_view kIntelRoot =
    "MIICjzCCAjSgAwIBAgIUImUM1lqdNInzg7SVUr9QGzknBqwwCgYIKoZIzj0EAwIwaDEaMBgGA1UEAwwRSW50ZWwgU0dYIFJvb3QgQ0ExGjAYBgNVBA"
    "oMEUludGVsIENvcnBvcmF0aW9uMRQw"
    "EgYDVQQHDAtTYW50YSBDbGFyYTELMAkGA1UECAwCQ0ExCzAJBgNVBAYTAlVTMB4XDTE4MDUyMTEwNDUxMFoXDTQ5MTIzMTIzNTk1OVowaDEaMBgGA1"
    "UEAwwRSW50ZWwgU0dYIFJvb3QgQ0Ex"
    "GjAYBgNVBAoMEUludGVsIENvcnBvcmF0aW9uMRQwEgYDVQQHDAtTYW50YSBDbGFyYTELMAkGA1UECAwCQ0ExCzAJBgNVBAYTAlVTMFkwEwYHKoZIzj"
    "0CAQYIKoZIzj0DAQcDQgAEC6nEwMDI"
    "YZOj/"
    "iPWsCzaEKi71OiOSLRFhWGjbnBVJfVnkY4u3IjkDYYL0MxO4mqsyYjlBalTVYxFP2sJBK5zlKOBuzCBuDAfBgNVHSMEGDAWgBQiZQzWWp00ifODtJV"
    "Sv1AbOScGrDBSBgNVHR8ESzBJ"
    "MEegRaBDhkFodHRwczovL2NlcnRpZmljYXRlcy50cnVzdGVkc2VydmljZXMuaW50ZWwuY29tL0ludGVsU0dYUm9vdENBLmRlcjAdBgNVHQ4EFgQUIm"
    "UM1lqdNInzg7SVUr9QGzknBqwwDgYD"
    "VR0PAQH/BAQDAgEGMBIGA1UdEwEB/wQIMAYBAf8CAQEwCgYIKoZIzj0EAwIDSQAwRgIhAOW/5QkR+S9CiSDcNoowLuPRLsWGf/"
    "Yi7GSX94BgwTwgAiEA4J0lrHoMs+Xo5o/sX6O9QWxHRAvZ"
    "UGOdRQ7cvqRXaqI=";

struct Family {
  EcPrivateKey root_key = EcPrivateKey::generate();
  EcPrivateKey leaf_key = EcPrivateKey::generate();
  Certificate root = CertificateBuilder::self_signed({"test root", 1000, 2000, 1}, root_key).value();
  Certificate leaf = CertificateBuilder(root, root_key).issue({"test leaf", 1000, 2000}, leaf_key.public_key()).value();
};

using Extensions = std::vector<std::pair<int, const char*>>;

/// What our own builder does not make: a self-signed certificate on `group`, signed with `digest`.
Bytes foreign_der(const char* group, const EVP_MD* digest, const Extensions& extensions,
                  const std::vector<std::string>& common_names) {
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_EC_gen(group), EVP_PKEY_free);
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(X509_new(), X509_free);
  X509_set_version(certificate.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
  ASN1_TIME_set(X509_getm_notBefore(certificate.get()), 1000);
  ASN1_TIME_set(X509_getm_notAfter(certificate.get()), 2000);
  auto* name = X509_get_subject_name(certificate.get());
  for (const auto& common_name : common_names)
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(common_name.c_str()),
                               -1, -1, 0);
  X509_set_issuer_name(certificate.get(), name);
  X509_set_pubkey(certificate.get(), key.get());
  for (const auto& [nid, value] : extensions) {
    const std::unique_ptr<X509_EXTENSION, decltype(&X509_EXTENSION_free)> extension(
        X509V3_EXT_conf_nid(nullptr, nullptr, nid, value), X509_EXTENSION_free);
    X509_add_ext(certificate.get(), extension.get(), -1);
  }
  REQUIRE(X509_sign(certificate.get(), key.get(), digest) > 0);
  unsigned char* der = nullptr;
  const int size = i2d_X509(certificate.get(), &der);
  REQUIRE(size > 0);
  const auto* bytes = reinterpret_cast<const std::byte*>(der);
  Bytes out(bytes, bytes + size);
  OPENSSL_free(der);
  return out;
}

constexpr const char* kCa = "critical,CA:TRUE,pathlen:1";

/// A CA whose key may do `usage`.
Certificate foreign(const char* group, const EVP_MD* digest, const char* usage) {
  const Extensions extensions{{NID_basic_constraints, kCa}, {NID_key_usage, usage}};
  return Certificate::from_der(foreign_der(group, digest, extensions, {"foreign root"})).value();
}

}  // namespace

TEST_CASE("a CA whose key may not sign certificates is none") {
  CHECK(foreign("P-256", EVP_sha256(), "critical,keyCertSign,cRLSign").is_ca());
  CHECK_FALSE(foreign("P-256", EVP_sha256(), "critical,digitalSignature,cRLSign").is_ca());
}

TEST_CASE("who may sign certificates is a CA, by basic constraints and by its key's usage where that is said") {
  const auto is_ca = [](const Extensions& extensions) {
    return Certificate::from_der(foreign_der("P-256", EVP_sha256(), extensions, {"foreign root"})).value().is_ca();
  };
  CHECK(is_ca({{NID_basic_constraints, kCa}}));
  CHECK_FALSE(is_ca({}));
  CHECK_FALSE(is_ca({{NID_basic_constraints, "critical,CA:FALSE"}}));
  CHECK_FALSE(is_ca({{NID_basic_constraints, "critical,CA:FALSE"}, {NID_key_usage, "keyCertSign"}}));
  CHECK_FALSE(is_ca({{NID_key_usage, "keyCertSign"}}));
  CHECK_FALSE(is_ca({{NID_basic_constraints, kCa}, {NID_basic_constraints, kCa}}));  // which one would count?
}

TEST_CASE("a common name is one: of two, and of none, nothing is read") {
  const auto named = [](const std::vector<std::string>& names) {
    return Certificate::from_der(foreign_der("P-256", EVP_sha256(), {}, names)).value().common_name();
  };
  CHECK(named({"one"}) == "one");
  CHECK(named({}).empty());
  CHECK(named({"one", "two"}).empty());
}

TEST_CASE("a certificate that is signed with another digest than SHA-256 is issued by nobody") {
  const auto good = foreign("P-256", EVP_sha256(), "keyCertSign");
  CHECK(good.issued_by(good));
  for (const auto* digest : {EVP_sha384(), EVP_sha512(), EVP_sha224()}) {
    const auto bad = foreign("P-256", digest, "keyCertSign");
    CHECK_FALSE(bad.issued_by(bad));
  }
}

TEST_CASE("a certificate's key on another curve is none, of the same size neither") {
  CHECK(foreign("P-256", EVP_sha256(), "keyCertSign").public_key().has_value());
  for (const auto* group : {"secp256k1", "P-384", "brainpoolP256r1"}) {
    CAPTURE(group);
    const auto key = foreign(group, EVP_sha256(), "keyCertSign").public_key();
    REQUIRE_FALSE(key.has_value());
    CHECK(key.error().code == ErrorCode::unsupported);
  }
}

TEST_CASE("a genuine certificate is read field by field") {
  const auto der = from_base64(kIntelRoot).value();
  const auto root = Certificate::from_der(der);
  REQUIRE(root.has_value());
  CHECK(root->der() == der);
  CHECK(to_hex(sha256(root->der())) == "44a0196b2b99f889b8e149e95b807a350e7424964399e885a7cbb8ccfab674d3");
  CHECK(root->common_name() == "Intel SGX Root CA");
  CHECK(root->not_before() == 1526899510);  // 2018-05-21T10:45:10Z
  CHECK(root->not_after() == 2524607999);   // 2049-12-31T23:59:59Z
  CHECK(root->is_ca());
  CHECK(root->path_length() == 1);
  CHECK(root->issued_by(*root));
  CHECK(to_hex(root->public_key().value().point()) ==
        "0ba9c4c0c0c86193a3fe23d6b02cda10a8bbd4e88e48b4458561a36e705525f567918e2edc88e40d860bd0cc4ee26aacc988e505a95355"
        "8c453f6b0904ae7394");
}

TEST_CASE("what is built is read back") {
  const Family family;
  CHECK(family.leaf.common_name() == "test leaf");
  CHECK(family.leaf.not_before() == 1000);
  CHECK(family.leaf.not_after() == 2000);
  CHECK_FALSE(family.leaf.is_ca());
  CHECK_FALSE(family.leaf.path_length().has_value());
  CHECK(family.leaf.public_key().value() == family.leaf_key.public_key());
  CHECK(family.root.is_ca());
  CHECK(family.root.path_length() == 1);
  CHECK(family.leaf.issued_by(family.root));
  CHECK(family.root.issued_by(family.root));
}

TEST_CASE("a certificate is issued by nobody else") {
  const Family family;
  const Family other;
  CHECK_FALSE(family.leaf.issued_by(other.root));  // the same name, another key
  CHECK_FALSE(family.leaf.issued_by(family.leaf));
  const auto renamed = CertificateBuilder::self_signed({"another root", 1000, 2000, 1}, family.root_key).value();
  CHECK_FALSE(family.leaf.issued_by(renamed));  // the same key, another name

  auto der = family.leaf.der();
  der.back() ^= std::byte{1};
  const auto altered = Certificate::from_der(der);
  REQUIRE(altered.has_value());
  CHECK_FALSE(altered->issued_by(family.root));
}

TEST_CASE("a name that is too long for X.509 is refused") {
  const auto made = CertificateBuilder::self_signed({std::string(65, 'x'), 1000, 2000}, EcPrivateKey::generate());
  REQUIRE_FALSE(made.has_value());
  CHECK(made.error().code == ErrorCode::invalid_argument);
}

TEST_CASE("certificates are read from PEM in order") {
  const Family family;
  auto pem = family.leaf.to_pem() + "text between blocks\n" + family.root.to_pem();
  const auto both = certificates_from_pem(pem, 2);
  REQUIRE(both.has_value());
  REQUIRE(both->size() == 2);
  CHECK(both->at(0).der() == family.leaf.der());
  CHECK(both->at(1).der() == family.root.der());

  pem.push_back('\0');  // as quotes end
  CHECK(certificates_from_pem(pem, 2).has_value());
  std::string crlf;
  for (const char c : pem) crlf += c == '\n' ? std::string("\r\n") : std::string(1, c);
  CHECK(certificates_from_pem(crlf, 2).has_value());
}

TEST_CASE("a PEM text that does not hold the certificates asked for is refused") {
  const Family family;
  const auto one = family.leaf.to_pem();
  const struct {
    const char* name;
    std::string pem;
    const char* message;
  } cases[] = {
      {"nothing", "", "cannot read certificates: 0 PEM blocks, want 1..2"},
      {"too many", one + one + one, "cannot read certificates: 3 PEM blocks, want 1..2"},
      {"another kind", one + family.leaf_key.to_pem(), "cannot read certificates: PEM block 2 is not a certificate"},
      {"cut", one + one.substr(0, one.size() / 2), "cannot read certificates: PEM block 2 is not a certificate"},
      {"encrypted",
       "-----BEGIN CERTIFICATE-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: "
       "AES-128-CBC,00000000000000000000000000000000\n\nAAAA\n-----END CERTIFICATE-----\n",
       "cannot read certificates: PEM block 1 is not a certificate"},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    const auto read = certificates_from_pem(c.pem, 2);
    REQUIRE_FALSE(read.has_value());
    CHECK(read.error().code == ErrorCode::malformed);
    CHECK(read.error().message == c.message);
  }
}

TEST_CASE("a view of nothing is refused as any other text") {
  CHECK(certificates_from_pem({}, 1).error().code == ErrorCode::malformed);
  CHECK(EcPrivateKey::from_pem({}).error().code == ErrorCode::malformed);
}

TEST_CASE("DER with anything before or behind it is no certificate") {
  const Family family;
  auto longer = family.leaf.der();
  longer.push_back(std::byte{0});
  CHECK_FALSE(Certificate::from_der(longer).has_value());
  CHECK_FALSE(Certificate::from_der(ByteView(family.leaf.der()).first(family.leaf.der().size() - 1)).has_value());
  CHECK_FALSE(Certificate::from_der({}).has_value());
}
