// Quotes under a root of the test's own, right in everything but what the test changes.
#pragma once

#include <algorithm>
#include <optional>
#include <string>

#include "dd/quote.hpp"
#include "libdd/crypto/certificate_builder.hpp"
#include "libdd/crypto/digest.hpp"

namespace dd {

/// Every byte of an array, counted up from `first`: a field that is read from the wrong place shows.
template <std::size_t N>
std::array<std::byte, N> counted(unsigned first) {
  std::array<std::byte, N> out{};
  for (auto& byte : out) byte = static_cast<std::byte>(first++ & 0xff);
  return out;
}

inline TdReport sample_report() {
  TdReport report;
  report.tee_tcb_svn = counted<16>(1);
  report.mrseam = counted<48>(2);
  report.mrsignerseam = counted<48>(3);
  report.seam_attributes = 0x0102030405060708;
  report.td_attributes = 0x10000000;
  report.xfam = 0x618e7;
  report.mrtd = counted<48>(4);
  report.mrconfigid = counted<48>(5);
  report.mrowner = counted<48>(6);
  report.mrownerconfig = counted<48>(7);
  for (unsigned i = 0; i < 4; ++i) report.rtmr[i] = counted<48>(8 + i);
  report.report_data = counted<64>(12);
  return report;
}

inline TdReport sample_report_td15() {
  auto report = sample_report();
  report.tee_tcb_svn2 = counted<16>(13);
  report.mrservicetd = counted<48>(14);
  return report;
}

/// Set what should be wrong, then `forge()`; all that stands above it is signed over the change.
struct QuoteForge {
  static constexpr std::int64_t kFrom = 1'000'000;
  static constexpr std::int64_t kNow = 1'500'000;
  static constexpr std::int64_t kUntil = 2'000'000;

  crypto::CertificateTerms root_terms{"a test's root", kFrom, kUntil, 1};
  crypto::CertificateTerms ca_terms{"Intel SGX PCK Platform CA", kFrom, kUntil, 0};
  crypto::CertificateTerms leaf_terms{"Intel SGX PCK Certificate", kFrom, kUntil};
  crypto::EcPrivateKey root_key = crypto::EcPrivateKey::generate();
  crypto::EcPrivateKey ca_key = crypto::EcPrivateKey::generate();
  crypto::EcPrivateKey leaf_key = crypto::EcPrivateKey::generate();
  crypto::EcPrivateKey attestation_key = crypto::EcPrivateKey::generate();
  /// Who signs in another's place.
  std::optional<crypto::EcPrivateKey> ca_signer, leaf_signer, qe_report_signer, quote_signer;
  std::optional<Digest512> attestation_point;
  std::optional<Digest512> qe_report_data;
  Bytes qe_auth_data = Bytes(32, std::byte{7});
  QuoteHeader header;
  TdReport report = sample_report();
  /// PEM in the quote; made of the chain when there is none.
  std::optional<std::string> certificates;

  std::string root_pem, ca_pem, leaf_pem;  // after make_chain() or forge()

  void make_chain() {
    using crypto::CertificateBuilder;
    const auto root = CertificateBuilder::self_signed(root_terms, root_key).value();
    const auto ca = CertificateBuilder(root, ca_signer.value_or(root_key)).issue(ca_terms, ca_key.public_key()).value();
    const auto leaf =
        CertificateBuilder(ca, leaf_signer.value_or(ca_key)).issue(leaf_terms, leaf_key.public_key()).value();
    root_pem = root.to_pem();
    ca_pem = ca.to_pem();
    leaf_pem = leaf.to_pem();
  }

  Quote forge() {
    if (root_pem.empty()) make_chain();
    QuoteSignature signature;
    signature.attestation_key = attestation_point.value_or(attestation_key.public_key().point());
    signature.qe_auth_data = qe_auth_data;
    signature.certificates = to_bytes(certificates.value_or(leaf_pem + ca_pem + root_pem));
    signature.qe_report = counted<384>(15);
    std::ranges::copy(qe_report_data.value_or(bound_key(signature)), signature.qe_report.begin() + 320);
    signature.qe_report_signature = qe_report_signer.value_or(leaf_key).sign(signature.qe_report);
    const auto unsigned_quote = Quote::build(header, report, signature).value();
    signature.signature = quote_signer.value_or(attestation_key).sign(unsigned_quote.signed_bytes());
    return Quote::build(header, report, signature).value();
  }

 private:
  static Digest512 bound_key(const QuoteSignature& signature) {
    Bytes bound(signature.attestation_key.begin(), signature.attestation_key.end());
    bound.insert(bound.end(), signature.qe_auth_data.begin(), signature.qe_auth_data.end());
    Digest512 data{};
    std::ranges::copy(crypto::sha256(bound), data.begin());
    return data;
  }
};

}  // namespace dd
