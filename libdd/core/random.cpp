#include "dd/random.hpp"

#include <errno.h>
#include <sys/random.h>

#include <cstdlib>

namespace dd {
namespace {

class SystemRandom final : public Random {
 public:
  void fill(std::span<std::byte> out) override {
    while (!out.empty()) {
      const auto got = getrandom(out.data(), out.size(), 0);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) std::abort();
      out = out.subspan(static_cast<std::size_t>(got));
    }
  }
};

}  // namespace

Random& system_random() noexcept {
  static SystemRandom random;
  return random;
}

}  // namespace dd
