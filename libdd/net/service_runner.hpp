// The life of a service on one io_context: start, serve until told to stop, stop. Signals are the tools' business.
#pragma once

#include <functional>
#include <stop_token>

#include "libdd/net/task.hpp"

namespace dd::net {

/// Runs `io` on the calling thread. `start` runs first; when it fails its error is returned and `stop` is not called. When a stop is requested
/// (also while `start` still runs) `stop` runs after it, and the call returns when that is done.
/// Errors: whatever `start` says; internal when either ended by an exception.
[[nodiscard]] Result<void> run_until_stopped(asio::io_context& io, std::stop_token stop_token,
                                             std::function<Task<Result<void>>()> start,
                                             std::function<Task<void>()> stop);

}  // namespace dd::net
