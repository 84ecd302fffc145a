// The plain, blocking form of a coroutine, for the public API. Never call it on an I/O thread: nothing else would run there meanwhile.
#pragma once

#include <functional>
#include <optional>
#include <utility>

#include "libdd/net/task.hpp"

namespace dd::net {

/// Runs the task that `start` makes on a private io_context and returns when it is done. Errors: internal when it ended by an exception.
[[nodiscard]] Result<void> run_to_completion(std::function<Task<void>()> start);

/// `factory` returns Task<Result<T>>; what it waits for belongs to the coroutine's own executor (this_executor()), and
/// what it spawned and left behind goes with that.
template <class Factory>
[[nodiscard]] auto run_blocking(Factory factory) {
  using Outcome = typename std::invoke_result_t<Factory&>::value_type;
  std::optional<Outcome> outcome;
  const auto store = [&factory, &outcome]() -> Task<void> {
    auto task = factory();
    outcome.emplace(co_await std::move(task));
  };
  const auto ran = run_to_completion(store);
  if (!ran) return Outcome(tl::unexpected(ran.error()));
  return *std::move(outcome);
}

}  // namespace dd::net
