// What exec and attach may be asked (docs/wire.md, 8).
#pragma once

#include <chrono>

#include "libdd/core/json.hpp"
#include "libdd/enclave/guests.hpp"
#include "libdd/protocol/attach_frames.hpp"

namespace dd::enclave {

struct ExecRequest {
  GuestRequest guest;
  std::chrono::seconds timeout{0};
};

struct AttachRequest {
  GuestRequest guest;
  protocol::WindowSize window;
  bool framed = false;
};

/// Errors: malformed and invalid_argument with the JSON path, in easyenclave's words where it has some.
[[nodiscard]] Result<ExecRequest> exec_request_from(const Json& request);
[[nodiscard]] Result<AttachRequest> attach_request_from(const Json& request);

}  // namespace dd::enclave
