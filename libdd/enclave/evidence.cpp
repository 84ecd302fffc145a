#include "libdd/enclave/evidence.hpp"

#include <initializer_list>

#include "dd/report_data.hpp"
#include "libdd/crypto/digest.hpp"

namespace dd::enclave {
namespace {

Bytes join(std::initializer_list<Digest256> parts) {
  Bytes out;
  out.reserve(parts.size() * sizeof(Digest256));
  for (const auto& part : parts) out.insert(out.end(), part.begin(), part.end());
  return out;
}

tl::unexpected<Error> wrong_count(std::string_view tag, std::size_t have, std::size_t want) {
  return fail_at(ErrorCode::invalid_argument, "$.fields",
                 "cannot bind a quote: " + std::string(tag) + " takes " + std::to_string(want) + " fields, not " +
                     std::to_string(have));
}

}  // namespace

Result<Bytes> compose_runtime_data(std::string_view tag, std::span<const Digest256> fields, const VmKeys& keys,
                                   const Digest384& log_head) {
  const auto name = crypto::sha256(as_bytes(tag));
  const auto signing = crypto::sha256(keys.signing().public_key().spki());
  const auto sealing = crypto::sha256(keys.sealing().public_key().spki());
  const auto head = crypto::sha256(log_head);
  const auto count = fields.size();
  if (tag == kRegisterTag) {
    if (count != 3) return wrong_count(tag, count, 3);
    return join({name, fields[0], fields[1], signing, sealing, head, fields[2]});
  }
  if (tag == kRefreshTag) {
    if (count != 3) return wrong_count(tag, count, 3);
    return join({name, fields[0], fields[1], fields[2], signing, head});
  }
  if (tag == kAttestTag) {
    if (count != 1) return wrong_count(tag, count, 1);
    return join({name, fields[0], signing, sealing, head});
  }
  return fail_at(ErrorCode::invalid_argument, "$.tag",
                 "cannot bind a quote: unknown tag, want dd/register/v1, dd/refresh/v1 or dd/attest/v1");
}

}  // namespace dd::enclave
