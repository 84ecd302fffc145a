// One coroutine at a time for each key.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>

#include "libdd/net/task.hpp"

namespace dd::tunnel {

/// Use on one io thread. Guards keep what they need alive.
class KeyedLock {
  struct Slot {
    explicit Slot(net::asio::any_io_executor executor) : freed(std::move(executor)) {}
    net::Event freed;
    bool held = false;
  };

 public:
  class Guard {
   public:
    Guard() = default;
    explicit Guard(std::shared_ptr<Slot> slot) : slot_(std::move(slot)) { slot_->held = true; }
    Guard(Guard&&) noexcept = default;
    Guard& operator=(Guard&&) = delete;
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;
    ~Guard() {
      if (!slot_) return;
      slot_->held = false;
      slot_->freed.notify();
    }
    explicit operator bool() const noexcept { return slot_ != nullptr; }

   private:
    std::shared_ptr<Slot> slot_;
  };

  explicit KeyedLock(net::asio::any_io_executor executor) : executor_(std::move(executor)) {}

  /// An empty guard when the key stays taken for `timeout`.
  net::Task<Guard> lock(std::string key, std::chrono::milliseconds timeout) {
    std::erase_if(slots_, [](const auto& entry) { return entry.second.expired(); });
    auto slot = slots_[key].lock();
    if (!slot) {
      slot = std::make_shared<Slot>(executor_);
      slots_[key] = slot;
    }
    const auto until = std::chrono::steady_clock::now() + timeout;
    while (slot->held) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
      if (left.count() <= 0) co_return Guard();
      co_await slot->freed.wait(left);
    }
    co_return Guard(std::move(slot));
  }

 private:
  net::asio::any_io_executor executor_;
  std::map<std::string, std::weak_ptr<Slot>> slots_;
};

}  // namespace dd::tunnel
