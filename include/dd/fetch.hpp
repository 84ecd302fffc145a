// What the helper dd-fetch does: it downloads and unpacks for dd-enclave, so that the process that holds a VM's keys neither speaks TLS nor reads
// archives of strangers (docs/adr/0009).
#pragma once

namespace dd {

/// Carries out the one order that comes over `socket`, a connected unix stream socket, with the descriptors that come along, and reports there. Gives up
/// what this process may use beyond that first (file sizes, memory, descriptors). Blocks; call it from a program that does nothing else. Returns the
/// program's exit status: 0 done, 1 failed (and reported, if anybody listens).
[[nodiscard]] int run_fetch_helper(int socket);

}  // namespace dd
