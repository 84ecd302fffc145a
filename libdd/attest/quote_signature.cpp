// The steps are those of DCAP's order of work; 5-9, 12 and 14 need collateral and are not here. Step 1 is Quote::parse.
#include "libdd/attest/quote_signature.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "libdd/crypto/digest.hpp"
#include "libdd/crypto/ec_key.hpp"
#include "libdd/crypto/x509.hpp"

namespace dd::attest {
namespace {

using crypto::Certificate;
using Chain = std::vector<Certificate>;  // leaf, intermediate, root

constexpr std::size_t kQeReportData = 320;  // offset in the QE report, 64 bytes

tl::unexpected<Error> refuse_quote(int step, const std::string& what) {
  return fail(ErrorCode::unauthenticated, "cannot verify quote: step " + std::to_string(step) + ", " + what);
}

bool contains(std::initializer_list<std::string_view> names, const std::string& name) {
  return std::ranges::find(names, name) != names.end();
}

// Step 2. The root's name is not looked at: step 3 wants one certificate, not one name.
Result<Chain> read_chain(const Quote& quote) {
  auto chain = crypto::certificates_from_pem(as_text(quote.signature().certificates), 3);
  if (!chain) return refuse_quote(2, "PCK chain: " + chain.error().message);
  if (chain->size() != 3)
    return refuse_quote(2, "PCK chain: " + std::to_string(chain->size()) + " certificates, want 3");
  const auto& leaf = chain->at(0);
  const auto& intermediate = chain->at(1);
  const auto& root = chain->at(2);
  if (leaf.common_name() != "Intel SGX PCK Certificate")
    return refuse_quote(2, "PCK chain: the first certificate is not a PCK certificate");
  if (!contains({"Intel SGX PCK Platform CA", "Intel SGX PCK Processor CA"}, intermediate.common_name()))
    return refuse_quote(2, "PCK chain: the second certificate is not a PCK CA");
  if (leaf.is_ca()) return refuse_quote(2, "PCK chain: the PCK certificate is a CA");
  if (!intermediate.is_ca() || intermediate.path_length() != 0)
    return refuse_quote(2, "PCK chain: the PCK CA is no CA with path length 0");
  if (!root.is_ca() || root.path_length() != 1)
    return refuse_quote(2, "PCK chain: the root is no CA with path length 1");
  for (const auto& certificate : *chain)
    if (const auto key = certificate.public_key(); !key)
      return refuse_quote(2, "PCK chain: \"" + certificate.common_name() + "\": " + key.error().message);
  return chain;
}

// Step 3. A root is never trusted because it came with a quote.
Result<void> check_anchor(const Chain& chain, std::string_view root_pem) {
  const auto pinned = crypto::certificates_from_pem(root_pem, 1);
  if (!pinned) return wrap(pinned.error(), "cannot verify quote: the pinned root");
  if (chain[2].der() != pinned->front().der())
    return refuse_quote(3,
                        "trust anchor: the chain ends in \"" + chain[2].common_name() + "\", not in the pinned root");
  return {};
}

// Step 4.
Result<void> check_links(const Chain& chain, std::int64_t now) {
  constexpr std::array kNames = {"PCK certificate", "PCK CA", "root"};
  for (std::size_t i = 0; i < chain.size(); ++i) {
    const auto name = std::string(kNames[i]);
    if (now < chain[i].not_before()) return refuse_quote(4, "dates: the " + name + " is not valid yet");
    if (now > chain[i].not_after()) return refuse_quote(4, "dates: the " + name + " has expired");
    if (!chain[i].issued_by(chain[std::min<std::size_t>(i + 1, 2)]))
      return refuse_quote(4, "signatures: the " + name + " is not signed by its issuer with ecdsa-with-SHA256");
  }
  return {};
}

// Steps 10 and 11: the platform vouches for the QE's report, and that for the attestation key.
Result<void> check_qe_report(const QuoteSignature& signature, const Certificate& leaf) {
  const auto key = leaf.public_key();
  if (!key) return refuse_quote(2, "PCK chain: " + key.error().message);
  if (!key->verify(signature.qe_report, signature.qe_report_signature))
    return refuse_quote(10, "QE report: not signed by the PCK key");

  Bytes bound(signature.attestation_key.begin(), signature.attestation_key.end());
  bound.insert(bound.end(), signature.qe_auth_data.begin(), signature.qe_auth_data.end());
  Digest512 want{};  // the digest, then 32 zero bytes
  std::ranges::copy(crypto::sha256(bound), want.begin());
  if (!std::ranges::equal(ByteView(signature.qe_report).subspan(kQeReportData, want.size()), want))
    return refuse_quote(11, "QE report: its report data does not bind the attestation key");
  return {};
}

// Step 13.
Result<void> check_quote(const Quote& quote) {
  const auto key = crypto::EcPublicKey::from_point(quote.signature().attestation_key);
  if (!key) return refuse_quote(13, "quote signature: the attestation key is not on P-256");
  if (!key->verify(quote.signed_bytes(), quote.signature().signature))
    return refuse_quote(13, "quote signature: not made by the attestation key");
  return {};
}

}  // namespace

Result<void> verify_quote_signature(const Quote& quote, std::string_view root_pem, std::int64_t now) {
  const auto chain = read_chain(quote);
  if (!chain) return tl::unexpected(chain.error());
  if (auto good = check_anchor(*chain, root_pem); !good) return good;
  if (auto good = check_links(*chain, now); !good) return good;
  if (auto good = check_qe_report(quote.signature(), chain->front()); !good) return good;
  return check_quote(quote);
}

}  // namespace dd::attest
