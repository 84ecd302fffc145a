// A tunnel's run token on its way to the agent whose tunnel it is.
#pragma once

#include "dd/random.hpp"
#include "dd/secret.hpp"
#include "libdd/cp/agent_record.hpp"

namespace dd::cp {

/// For the agent's sealing key, and as its own: docs/wire.md, 5.2. Errors: internal.
[[nodiscard]] Result<Bytes> seal_run_token(const AgentRecord& record, const Secret& token, Random& random);

}  // namespace dd::cp
