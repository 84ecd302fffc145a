// A lock for coroutines: whoever asks first goes first.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "libdd/net/task.hpp"

namespace dd::net {

/// Use on one io thread. A mutex held across co_await would block it.
class Turn {
 public:
  explicit Turn(asio::any_io_executor executor);

  /// Ends the turn when it goes.
  class Guard;
  Task<Guard> take();
  /// Nobody has it and nobody waits.
  [[nodiscard]] bool idle() const noexcept;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

class Turn::Guard {
 public:
  /// Of no turn.
  Guard() = default;
  Guard(Guard&&) noexcept = default;
  Guard& operator=(Guard&& other) noexcept {
    std::swap(state_, other.state_);
    return *this;
  }
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;
  ~Guard();

 private:
  friend class Turn;
  explicit Guard(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

/// One Turn per name, dropped when idle.
class Turns {
 public:
  explicit Turns(asio::any_io_executor executor) : executor_(std::move(executor)) {}
  Task<Turn::Guard> take(std::string name);

 private:
  asio::any_io_executor executor_;
  std::map<std::string, Turn> turns_;
};

}  // namespace dd::net
