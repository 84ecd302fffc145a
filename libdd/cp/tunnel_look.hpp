// Whether an agent's tunnel is still there. Many may ask at once when Cloudflare has a bad day: one look answers all of them for a while.
#pragma once

#include <chrono>
#include <optional>
#include <set>
#include <string>

#include "libdd/cp/context.hpp"
#include "libdd/net/turns.hpp"

namespace dd::cp {

/// Use on one io thread.
class TunnelLook {
 public:
  explicit TunnelLook(Context& context) : context_(context), turn_(context.executor) {}

  /// Only Cloudflare's own word that this very tunnel does not exist, or was deleted, is one. Errors: what keeps us from looking.
  net::Task<Result<bool>> is_gone(std::string tunnel_id);
  /// A tunnel was made: what was seen before does not hold any more.
  void forget() { seen_.reset(); }

 private:
  struct Seen {
    Result<std::set<std::string>> ids;  // of live tunnels
    std::chrono::steady_clock::time_point until;
  };
  net::Task<Result<bool>> is_listed(std::string tunnel_id);

  Context& context_;
  net::Turn turn_;
  std::optional<Seen> seen_;
};

}  // namespace dd::cp
