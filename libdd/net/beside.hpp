// Work beside its caller: begun now, waited for later.
#pragma once

#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <utility>

#include "libdd/net/task.hpp"

namespace dd::net {

/// Begins `task` when it is made. What the task refers to must stay until result() has been awaited. One strand (or one thread) only.
template <class T>
class Beside {
 public:
  Beside(asio::any_io_executor executor, Task<T> task) : state_(std::make_shared<State>(executor)) {
    spawn(std::move(executor), run(state_, std::move(task)), "work beside its caller");
  }

  /// What the task returned, once; or its exception.
  [[nodiscard]] Task<T> result() { return wait(state_); }

 private:
  struct State {
    explicit State(asio::any_io_executor executor) : ended(std::move(executor)) {}
    Event ended;
    std::optional<T> value;
    std::exception_ptr failure;
  };

  static Task<void> run(std::shared_ptr<State> state, Task<T> task) {
    try {
      state->value.emplace(co_await std::move(task));
    } catch (...) {
      state->failure = std::current_exception();  // rethrown to who waits for it
    }
    state->ended.notify();
  }

  static Task<T> wait(std::shared_ptr<State> state) {
    while (!state->value && !state->failure) {
      const std::chrono::hours long_enough(1);
      co_await state->ended.wait(long_enough);
    }
    if (state->failure) std::rethrow_exception(state->failure);
    co_return *std::move(state->value);
  }

  std::shared_ptr<State> state_;
};

}  // namespace dd::net
