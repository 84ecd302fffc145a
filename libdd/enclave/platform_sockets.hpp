// The ports of boot workloads: opened before any workload is started and held as long as the runtime lives, so that nobody else gets them while an
// agent or a control plane is started again. What connects meanwhile waits.
#pragma once

#include <string>
#include <vector>

#include "dd/error.hpp"
#include "dd/workload.hpp"
#include "libdd/enclave/unique_fd.hpp"

namespace dd::enclave {

struct PlatformSocket {
  std::string name;
  UniqueFd fd;
};
using PlatformSockets = std::vector<PlatformSocket>;

/// Of each port the sockets that listen: on 127.0.0.1 and, where this machine has it, on ::1. Errors: unavailable with address and port.
[[nodiscard]] Result<PlatformSockets> open_platform_sockets(const std::vector<ListenSocket>& ports);
/// As LISTEN_FDNAMES has them.
[[nodiscard]] std::string names_of(const PlatformSockets& sockets);

}  // namespace dd::enclave
