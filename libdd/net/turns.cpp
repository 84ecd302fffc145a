#include "libdd/net/turns.hpp"

namespace dd::net {

Turns::Turn::~Turn() {
  if (lanes_ == nullptr) return;
  lane_->second->busy = false;
  lane_->second->freed.notify();
  if (--lane_->second->interested == 0) lanes_->erase(lane_);
}

Task<Turns::Turn> Turns::take(std::string key) {
  auto [lane, added] = lanes_.try_emplace(std::move(key));
  if (added) lane->second = std::make_unique<Lane>(executor_);
  Lane& mine = *lane->second;
  ++mine.interested;
  while (mine.busy) {
    // The bound only limits how long a lost wake-up could hurt.
    const std::chrono::milliseconds patience(1'000);
    co_await mine.freed.wait(patience);
  }
  mine.busy = true;
  co_return Turn(lanes_, lane);
}

}  // namespace dd::net
