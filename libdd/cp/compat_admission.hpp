// What agents without attestation have to be, however they come to this control plane.
#pragma once

#include <string>

#include "libdd/cp/context.hpp"

namespace dd::cp {

/// Whether a VM of that name may be an agent here: listed in DD_COMPAT_VMS and in time, not revoked, never registered with attestation.
/// Errors: invalid_argument, and those of the registry.
net::Task<Result<void>> may_be_compat(const Context& context, std::string vm_name);

/// Everything that its token says about an agent that is taken in now.
void fill_compat(AgentRecord& record, const TdxClaims& token, const Verdict& verdict, std::int64_t now);

}  // namespace dd::cp
