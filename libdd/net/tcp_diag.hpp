// What listens, asked of the kernel over a netlink socket: sock_diag(7), as ss(8) does.
#pragma once

#include <optional>
#include <vector>

#include "libdd/net/tcp_listeners.hpp"

namespace dd::net {

/// Of this network namespace. The kernel looks at what listens alone; its tables under /proc cost a walk through all connections, some milliseconds.
/// Nothing when the kernel does not answer: it may have been built without.
[[nodiscard]] std::optional<std::vector<TcpListener>> listeners_by_diag();

}  // namespace dd::net
