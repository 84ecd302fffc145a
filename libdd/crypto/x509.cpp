#include "libdd/crypto/x509.hpp"

#include <ctime>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "libdd/crypto/evp.hpp"
#include "libdd/crypto/pem.hpp"
#include "libdd/crypto/x509_handle.hpp"

namespace dd::crypto {
namespace {

Bytes der_of(X509* certificate) {
  unsigned char* encoded = nullptr;
  const int size = i2d_X509(certificate, &encoded);
  if (size < 0) out_of_openssl("certificate");
  const auto view = std::as_bytes(std::span(encoded, static_cast<std::size_t>(size)));
  Bytes der(view.begin(), view.end());
  OPENSSL_free(encoded);
  return der;
}

std::string common_name_of(X509* certificate) {
  auto* name = X509_get_subject_name(certificate);
  const int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
  if (at < 0 || X509_NAME_get_index_by_NID(name, NID_commonName, at) >= 0) return {};
  unsigned char* text = nullptr;
  const int size = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
  if (size < 0) return {};
  std::string out(reinterpret_cast<const char*>(text), static_cast<std::size_t>(size));
  OPENSSL_free(text);
  return out;
}

// A time that cannot be read is never inside: 0 for both ends.
std::int64_t seconds_of(const ASN1_TIME* time) {
  std::tm parts{};
  return ASN1_TIME_to_tm(time, &parts) == 1 ? std::int64_t{timegm(&parts)} : 0;
}

bool may_sign_certificates(X509* certificate) {
  const auto flags = X509_get_extension_flags(certificate);
  if ((flags & EXFLAG_INVALID) != 0 || (flags & EXFLAG_CA) == 0) return false;
  return (flags & EXFLAG_KUSAGE) == 0 || (X509_get_key_usage(certificate) & KU_KEY_CERT_SIGN) != 0;
}

bool ecdsa_with_sha256(X509* certificate) {
  const X509_ALGOR* outer = nullptr;
  X509_get0_signature(nullptr, &outer, certificate);
  return OBJ_obj2nid(outer->algorithm) == NID_ecdsa_with_SHA256 &&
         X509_ALGOR_cmp(outer, X509_get0_tbs_sigalg(certificate)) == 0;
}

}  // namespace

Certificate::Certificate(std::shared_ptr<void> x509) : x509_(std::move(x509)) {
  auto* certificate = x509_of(x509_);
  der_ = der_of(certificate);
  common_name_ = common_name_of(certificate);
  not_before_ = seconds_of(X509_get0_notBefore(certificate));
  not_after_ = seconds_of(X509_get0_notAfter(certificate));
  ca_ = may_sign_certificates(certificate);
  if (const auto length = X509_get_pathlen(certificate); ca_ && length >= 0) path_length_ = static_cast<int>(length);
}

Result<Certificate> Certificate::from_der(ByteView der) {
  const ErrorQueueMark mark;
  const auto* next = data_of(der);
  X509Ptr certificate(d2i_X509(nullptr, &next, static_cast<long>(der.size())));
  if (!certificate || next != data_of(der) + der.size())
    return fail(ErrorCode::malformed, "cannot read certificate: want one DER certificate");
  return Certificate(shared(std::move(certificate)));
}

std::string Certificate::to_pem() const {
  const auto sink = memory_bio();
  if (PEM_write_bio_X509(sink.get(), x509_of(x509_)) != 1) out_of_openssl("certificate");
  return text_of(sink.get());
}

Result<EcPublicKey> Certificate::public_key() const {
  const ErrorQueueMark mark;
  PkeyPtr key(X509_get_pubkey(x509_of(x509_)));
  if (!key) return fail(ErrorCode::unsupported, "cannot use certificate: its key is of an unknown kind");
  return EcPublicKey::from_pkey(shared(std::move(key)));
}

bool Certificate::issued_by(const Certificate& issuer) const {
  const ErrorQueueMark mark;
  auto* mine = x509_of(x509_);
  auto* theirs = x509_of(issuer.x509_);
  if (X509_NAME_cmp(X509_get_issuer_name(mine), X509_get_subject_name(theirs)) != 0 || !ecdsa_with_sha256(mine))
    return false;
  auto* key = X509_get0_pubkey(theirs);
  return key != nullptr && X509_verify(mine, key) == 1;
}

Result<std::vector<Certificate>> certificates_from_pem(std::string_view pem, std::size_t most) {
  constexpr std::string_view kBlock = "-----BEGIN ";
  const ErrorQueueMark mark;
  const auto source = memory_bio(pem);
  std::size_t blocks = 0;
  for (auto at = pem.find(kBlock); at != std::string_view::npos; at = pem.find(kBlock, at + kBlock.size())) ++blocks;
  if (blocks == 0 || blocks > most)
    return fail(ErrorCode::malformed,
                "cannot read certificates: " + std::to_string(blocks) + " PEM blocks, want 1.." + std::to_string(most));

  std::vector<Certificate> out;
  while (out.size() < blocks) {
    // The reader skips blocks of other kinds, so fewer certificates than blocks means that one was something else, or broken.
    X509Ptr certificate(PEM_read_bio_X509(source.get(), nullptr, &refuse_password, nullptr));
    if (!certificate)
      return fail(ErrorCode::malformed,
                  "cannot read certificates: PEM block " + std::to_string(out.size() + 1) + " is not a certificate");
    out.push_back(Certificate(shared(std::move(certificate))));
  }
  return out;
}

}  // namespace dd::crypto
