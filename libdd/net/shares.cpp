#include "libdd/net/shares.hpp"

#include <utility>

namespace dd::net {

Shares::Share::Share(std::shared_ptr<State> state, std::string client)
    : state_(std::move(state)), client_(std::move(client)) {
  ++state_->held[client_];
  ++state_->together;
}

Shares::Share& Shares::Share::operator=(Share&& other) noexcept {
  std::swap(state_, other.state_);
  std::swap(client_, other.client_);
  return *this;
}

Shares::Share::~Share() {
  if (!state_) return;  // moved away
  --state_->together;
  const auto held = state_->held.find(client_);
  if (--held->second == 0) state_->held.erase(held);
}

Shares::Shares(std::size_t each, std::size_t together) : each_(each), together_(together) {}

std::optional<Shares::Share> Shares::take(const std::string& client) {
  const auto held = state_->held.find(client);
  if (state_->together >= together_ || (held != state_->held.end() && held->second >= each_)) return std::nullopt;
  return Share(state_, client);
}

}  // namespace dd::net
