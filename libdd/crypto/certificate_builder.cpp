#include "libdd/crypto/certificate_builder.hpp"

#include <openssl/x509v3.h>

#include "dd/random.hpp"
#include "libdd/crypto/x509_handle.hpp"

namespace dd::crypto {
namespace {

using ExtensionPtr = std::unique_ptr<X509_EXTENSION, Freer<&X509_EXTENSION_free>>;

constexpr std::size_t kSerialBytes = 16;

bool set_serial(X509* certificate) {
  std::array<std::byte, kSerialBytes> random{};
  system_random().fill(random);
  random[0] = (random[0] & std::byte{0x3f}) | std::byte{0x40};  // positive, and always of one length
  const BignumPtr number(BN_bin2bn(data_of(random), kSerialBytes, nullptr));
  return number && BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
}

bool set_time(ASN1_TIME* time, std::int64_t seconds) {
  return ASN1_TIME_set(time, static_cast<time_t>(seconds)) != nullptr;
}

bool set_subject(X509* certificate, const std::string& common_name) {
  const auto* text = reinterpret_cast<const unsigned char*>(common_name.data());
  return X509_NAME_add_entry_by_NID(X509_get_subject_name(certificate), NID_commonName, MBSTRING_UTF8, text,
                                    static_cast<int>(common_name.size()), -1, 0) == 1;
}

bool add_extension(X509V3_CTX* context, X509* certificate, int nid, const std::string& value) {
  const ExtensionPtr extension(X509V3_EXT_conf_nid(nullptr, context, nid, value.c_str()));
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

bool add_extensions(X509* certificate, X509* issuer, const std::optional<int>& path_length) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const auto constraints =
      path_length ? "critical,CA:TRUE,pathlen:" + std::to_string(*path_length) : std::string("critical,CA:FALSE");
  const auto* usage = path_length ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature,nonRepudiation";
  return add_extension(&context, certificate, NID_basic_constraints, constraints) &&
         add_extension(&context, certificate, NID_key_usage, usage) &&
         add_extension(&context, certificate, NID_subject_key_identifier, "hash") &&
         add_extension(&context, certificate, NID_authority_key_identifier, "keyid:always");
}

}  // namespace

Result<Certificate> CertificateBuilder::make(const CertificateTerms& terms, const EcPublicKey& subject,
                                             const Certificate* issuer, const EcPrivateKey& issuer_key) {
  const ErrorQueueMark mark;
  X509Ptr made(X509_new());
  if (!made) out_of_openssl("certificate");
  auto* signer = issuer != nullptr ? x509_of(issuer->x509_) : made.get();
  const bool good = X509_set_version(made.get(), X509_VERSION_3) == 1 && set_serial(made.get()) &&
                    set_time(X509_getm_notBefore(made.get()), terms.not_before) &&
                    set_time(X509_getm_notAfter(made.get()), terms.not_after) &&
                    set_subject(made.get(), terms.common_name) &&
                    X509_set_issuer_name(made.get(), X509_get_subject_name(signer)) == 1 &&
                    X509_set_pubkey(made.get(), pkey_of(subject.key_)) == 1 &&
                    add_extensions(made.get(), signer, terms.path_length) &&
                    X509_sign(made.get(), pkey_of(issuer_key.key_), sha256_md()) > 0;
  if (!good) return fail(ErrorCode::invalid_argument, "cannot make certificate: OpenSSL refuses its terms");
  // Read back, so that what is known of it is what a reader sees.
  return Certificate::from_der(Certificate(shared(std::move(made))).der());
}

Result<Certificate> CertificateBuilder::self_signed(const CertificateTerms& terms, const EcPrivateKey& key) {
  return make(terms, key.public_key(), nullptr, key);
}

Result<Certificate> CertificateBuilder::issue(const CertificateTerms& terms, const EcPublicKey& subject) const {
  return make(terms, subject, &issuer_, key_);
}

}  // namespace dd::crypto
