#include "libdd/cp/run_token.hpp"

#include "libdd/crypto/hpke.hpp"

namespace dd::cp {

Result<Bytes> seal_run_token(const AgentRecord& record, const Secret& token, Random& random) {
  auto sealed = crypto::hpke_seal(record.sealing_key, as_bytes(kRegisterTag), as_bytes(record.agent_id),
                                  as_bytes(token.reveal()), random);
  if (!sealed) return wrap(sealed.error(), "cannot seal the tunnel token");
  return sealed;
}

}  // namespace dd::cp
