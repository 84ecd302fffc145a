// fork() in a program that has signal handlers.
#pragma once

#include <sys/types.h>

namespace dd {

/// fork(), and the child has all signals blocked: the parent's handlers must not run in it, for they act on what both have (Asio's writes into a pipe
/// that the parent reads, and the parent would take the child's signal for its own). -1 and errno as of fork().
[[nodiscard]] pid_t fork_deaf() noexcept;

/// In the child, before it executes a program: default actions, and nothing blocked. Async-signal-safe.
void forget_signals() noexcept;

}  // namespace dd
