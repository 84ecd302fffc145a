// Reading `expose` with what a caller may want to say about members that nobody understands.
#pragma once

#include <string>
#include <vector>

#include "dd/workload.hpp"
#include "libdd/core/json.hpp"

namespace dd {

inline constexpr std::size_t kMaxExpose = 16;

struct ExposeList {
  std::vector<Expose> items;
  /// Members that no rule names, as they are reached from `expose`: "[0].color", or "color" behind a single object.
  std::vector<std::string> unknown;
};

/// Whether a port may be missing, and is then 0; or whether its address may be said.
enum class Ports { named, may_be_chosen, with_address };

/// As expose_from().
[[nodiscard]] Result<ExposeList> read_expose(const Json& value, const std::string& path, std::size_t most,
                                             Ports ports = Ports::named);

}  // namespace dd
