#include "libdd/attest/simulated/platform.hpp"

#include <algorithm>

#include "libdd/attest/wire_bytes.hpp"
#include "libdd/crypto/digest.hpp"

namespace dd::attest {
namespace {

using crypto::Certificate;
using crypto::CertificateBuilder;
using crypto::EcPrivateKey;

constexpr std::uint64_t kEnclaveFlags = 0x15;  // INIT, MODE64BIT, PROVISIONKEY, as Intel's QE has them
constexpr std::uint64_t kEnclaveXfrm = 0xe7;
constexpr std::uint16_t kTdQeProduct = 2;
constexpr std::uint16_t kTdQeSvn = 4;

struct PckChain {
  EcPrivateKey leaf_key = EcPrivateKey::generate();
  std::string pem;
};

Result<PckChain> make_chain(const SimulatorRoot& root, std::int64_t now) {
  const auto certificate = crypto::certificates_from_pem(root.certificate_pem, 1);
  if (!certificate) return tl::unexpected(certificate.error());
  const auto key = EcPrivateKey::from_pem(root.key_pem);
  if (!key) return tl::unexpected(key.error());

  PckChain chain;
  const auto ca_key = EcPrivateKey::generate();
  const auto& anchor = certificate->front();
  const auto from = std::max(now - kSimulatorLeeway, anchor.not_before());
  const auto ca = CertificateBuilder(anchor, *key)
                      .issue({"Intel SGX PCK Platform CA", from, anchor.not_after(), 0}, ca_key.public_key());
  if (!ca) return tl::unexpected(ca.error());
  const auto leaf = CertificateBuilder(*ca, ca_key)
                        .issue({"Intel SGX PCK Certificate", from, anchor.not_after()}, chain.leaf_key.public_key());
  if (!leaf) return tl::unexpected(leaf.error());
  chain.pem = leaf->to_pem() + ca->to_pem() + anchor.to_pem();
  chain.pem.push_back('\0');  // as genuine quotes end
  return chain;
}

// SGX enclave report. Its last 64 bytes bind the attestation key: SHA-256(key ‖ authentication data), then zeros.
Bytes qe_report(const Digest512& attestation_key, ByteView auth_data) {
  Bytes bound(attestation_key.begin(), attestation_key.end());
  bound.insert(bound.end(), auth_data.begin(), auth_data.end());
  Writer writer;
  writer.bytes(Bytes(48));  // CPUSVN, MISCSELECT, reserved
  writer.number(kEnclaveFlags);
  writer.number(kEnclaveXfrm);
  writer.bytes(crypto::sha256(as_bytes("dd/simulated/qe/mrenclave/v1")));
  writer.bytes(Bytes(32));
  writer.bytes(crypto::sha256(as_bytes("dd/simulated/qe/mrsigner/v1")));
  writer.bytes(Bytes(96));
  writer.number(kTdQeProduct);
  writer.number(kTdQeSvn);
  writer.bytes(Bytes(60));
  writer.bytes(crypto::sha256(bound));
  writer.bytes(Bytes(32));
  return writer.written();
}

QuoteHeader make_header() {
  QuoteHeader header;
  std::ranges::copy(as_bytes("libdd simulator"), header.user_data.begin());
  return header;
}

}  // namespace

Result<SimulatedPlatform> SimulatedPlatform::make(const SimulatorRoot& root, std::int64_t now) {
  const auto chain = make_chain(root, now);
  if (!chain) return wrap(chain.error(), "cannot simulate a platform");

  SimulatedPlatform platform(EcPrivateKey::generate());
  auto& vouched = platform.vouched_;
  vouched.attestation_key = platform.attestation_key_.public_key().point();
  for (int i = 0; i < 32; ++i) vouched.qe_auth_data.push_back(static_cast<std::byte>(i));  // Intel's QE says 00..1f
  std::ranges::copy(qe_report(vouched.attestation_key, vouched.qe_auth_data), vouched.qe_report.begin());
  vouched.qe_report_signature = chain->leaf_key.sign(vouched.qe_report);
  vouched.certificates = to_bytes(chain->pem);
  return platform;
}

Result<Quote> SimulatedPlatform::sign(const TdReport& report) const {
  // What is signed is a prefix of the quote, so build once for the bytes and again with the signature.
  const auto header = make_header();
  const auto unsigned_quote = Quote::build(header, report, vouched_);
  if (!unsigned_quote) return unsigned_quote;
  auto signature = vouched_;
  signature.signature = attestation_key_.sign(unsigned_quote->signed_bytes());
  return Quote::build(header, report, signature);
}

}  // namespace dd::attest
