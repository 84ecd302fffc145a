// The members of a DeployRequest, read from an object that may hold more (boot workloads do).
#pragma once

#include "dd/workload.hpp"
#include "libdd/core/json.hpp"
#include "libdd/workload/expose_reader.hpp"

namespace dd {

/// Reads what is left of a request's members; `unknown` of the result names only those inside `expose`, since just the caller
/// knows which others the object may have. Errors: as deploy_request_from(), with paths under the reader's.
[[nodiscard]] Result<DeployRequest> read_deploy_request(ObjectReader& reader, Ports ports);

}  // namespace dd
