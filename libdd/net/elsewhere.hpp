// Waiting for what another thread does: a pool, the HTTP library. The way home is safe also when the io_context goes first.
#pragma once

#include <optional>

#include "libdd/net/task.hpp"

namespace dd::net {

/// The way onto an io_context from foreign threads. Closed when the context goes; what comes later is dropped.
class Doorway {
 public:
  virtual ~Doorway() = default;
  /// From any thread.
  virtual void post(std::function<void()> work) = 0;

  /// The one of the executor's context. Contexts here have one thread and no strands, so any of its executors stands for all.
  [[nodiscard]] static std::shared_ptr<Doorway> of(asio::any_io_executor executor);
};

/// Calls `start` with a `done` that any thread may call once, and resumes with its value on the caller's executor. When the io_context is
/// destroyed meanwhile the waiting coroutine goes with it, on that thread, and not with whoever holds `done`.
template <class Value>
Task<Value> from_elsewhere(std::function<void(std::function<void(Value)> done)> start) {
  struct Slot {
    explicit Slot(asio::any_io_executor executor) : arrived(std::move(executor)) {}
    Event arrived;
    std::optional<Value> value;
  };
  const auto executor = co_await this_executor();
  const auto slot = std::make_shared<Slot>(executor);
  auto done = [door = Doorway::of(executor), slot](Value value) {
    door->post([slot, value = std::move(value)]() mutable {
      slot->value = std::move(value);
      slot->arrived.notify();
    });
  };
  start(std::move(done));
  while (!slot->value) {
    auto waiting = slot->arrived.wait(std::chrono::hours(24));
    co_await std::move(waiting);
  }
  co_return *std::move(slot->value);
}

}  // namespace dd::net
