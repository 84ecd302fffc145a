// Random bytes, injected, so that a golden vector can be made and a test can be repeated.
#pragma once

#include <cstddef>
#include <span>

namespace dd {

/// Source of unpredictable bytes. Implementations are thread-safe.
class Random {
 public:
  virtual ~Random() = default;
  /// Fills `out` completely; a source that cannot ends the program (there is no safe way on).
  virtual void fill(std::span<std::byte> out) = 0;
};

/// The kernel's generator (getrandom(2)). Lives for the whole program.
[[nodiscard]] Random& system_random() noexcept;

}  // namespace dd
