#include "dd/report_data.hpp"

#include <initializer_list>

#include "libdd/crypto/digest.hpp"

namespace dd {
namespace {

using crypto::sha256;

/// Every field is 32 bytes, so no two different sets of fields have one text.
Bytes compose(std::string_view tag, std::initializer_list<Digest256> fields) {
  const auto head = sha256(as_bytes(tag));
  Bytes bound(head.begin(), head.end());
  for (const auto& field : fields) bound.insert(bound.end(), field.begin(), field.end());
  return bound;
}

}  // namespace

Bytes bound_data(const RegisterBinding& binding) {
  return compose(kRegisterTag, {binding.nonce, sha256(as_bytes(binding.cp_origin)), sha256(binding.signing_spki),
                                sha256(binding.sealing_spki), sha256(binding.log_head), binding.claims_sha256});
}

Bytes bound_data(const RefreshBinding& binding) {
  return compose(kRefreshTag, {binding.nonce, sha256(as_bytes(binding.cp_origin)), sha256(as_bytes(binding.agent_id)),
                               sha256(binding.signing_spki), sha256(binding.log_head)});
}

Bytes bound_data(const AttestBinding& binding) {
  return compose(kAttestTag, {sha256(binding.nonce), sha256(binding.signing_spki), sha256(binding.sealing_spki),
                              sha256(binding.log_head)});
}

ReportData report_data_of(ByteView bound) { return crypto::sha512(bound); }

}  // namespace dd
