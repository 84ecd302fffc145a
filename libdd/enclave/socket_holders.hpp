// Which deployment holds a socket that listens: by the processes that have it open, never by the uid that made it.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "libdd/enclave/process_family.hpp"
#include "libdd/net/tcp_listeners.hpp"

namespace dd::enclave {

/// A process tree that may listen.
struct SocketHolder {
  std::string id;  // of its deployment
  ProcessFamily family;
  /// Inodes of the sockets that listened when it was started. Only where its family cannot be told by uid: what came since, and what nobody else
  /// holds, counts as its own too (a container of its is no child of its).
  std::set<std::uint64_t> earlier;
};

/// The sockets of each, in their order. Walks through /proc: work for a pool.
[[nodiscard]] std::vector<std::vector<net::TcpListener>> sockets_of(const std::vector<SocketHolder>& holders);
/// Those that one process has open itself. Work for a pool as well: it may have a million descriptors.
[[nodiscard]] std::vector<net::TcpListener> sockets_of(pid_t pid);
/// Those that listen now.
[[nodiscard]] std::set<std::uint64_t> listening_inodes();

}  // namespace dd::enclave
