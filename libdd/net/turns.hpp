// One at a time per key: a registration, a poll's verdict and an ingress change of one VM never interleave.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "libdd/net/task.hpp"

namespace dd::net {

/// Use on one io thread. A Turn must not outlive its Turns.
class Turns {
  struct Lane {
    explicit Lane(const asio::any_io_executor& executor) : freed(executor) {}
    bool busy = false;
    int interested = 0;
    Event freed;
  };
  using Lanes = std::map<std::string, std::unique_ptr<Lane>>;

 public:
  /// Holds the lane until it goes.
  class Turn {
   public:
    Turn(Lanes& lanes, Lanes::iterator lane) : lanes_(&lanes), lane_(lane) {}
    Turn(Turn&& other) noexcept : lanes_(std::exchange(other.lanes_, nullptr)), lane_(other.lane_) {}
    Turn& operator=(Turn&&) = delete;
    ~Turn();

   private:
    Lanes* lanes_;
    Lanes::iterator lane_;
  };

  explicit Turns(asio::any_io_executor executor) : executor_(std::move(executor)) {}
  Task<Turn> take(std::string key);

 private:
  asio::any_io_executor executor_;
  Lanes lanes_;
};

}  // namespace dd::net
