#include "libdd/net/turns.hpp"

namespace dd::net {

struct Turn::State {
  explicit State(asio::any_io_executor executor) : over(std::move(executor)) {}
  std::uint64_t next_ticket = 0;
  std::uint64_t serving = 0;
  Event over;
};

Turn::Turn(asio::any_io_executor executor) : state_(std::make_shared<State>(std::move(executor))) {}

Turn::Guard::Guard(std::shared_ptr<State> state) : state_(std::move(state)) {}

Turn::Guard::~Guard() {
  if (!state_) return;
  ++state_->serving;
  state_->over.notify();
}

Task<Turn::Guard> Turn::take() {
  const auto state = state_;
  const auto ticket = state->next_ticket++;
  while (state->serving != ticket) co_await state->over.wait(std::chrono::hours(24));
  co_return Guard(state);
}

bool Turn::idle() const noexcept { return state_->serving == state_->next_ticket; }

Task<Turn::Guard> Turns::take(std::string name) {
  std::erase_if(turns_, [](const auto& entry) { return entry.second.idle(); });
  auto turn = turns_.try_emplace(std::move(name), executor_).first->second;
  co_return co_await turn.take();
}

}  // namespace dd::net
