// How much of something scarce each of many clients may have at one time, and all of them together.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace dd::net {

/// Counts only; what is counted is the caller's. Bounded by what is held. Not thread-safe.
class Shares {
  struct State;

 public:
  /// One unit, until it is destroyed. It may outlive the Shares.
  class Share {
   public:
    Share(Share&& other) noexcept = default;
    Share& operator=(Share&& other) noexcept;
    ~Share();

   private:
    friend Shares;
    Share(std::shared_ptr<State> state, std::string client);

    std::shared_ptr<State> state_;
    std::string client_;
  };

  Shares(std::size_t each, std::size_t together);
  /// Nothing when the client has `each` already, or all have `together`.
  [[nodiscard]] std::optional<Share> take(const std::string& client);

 private:
  struct State {
    std::map<std::string, std::size_t> held;
    std::size_t together = 0;
  };
  std::size_t each_;
  std::size_t together_;
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace dd::net
