#include "dd/random.hpp"

#include <set>

#include <doctest/doctest.h>

#include "dd/bytes.hpp"

using namespace dd;

TEST_CASE("the kernel's random bytes fill the whole span and do not repeat") {
  std::set<Bytes> seen;
  std::set<std::byte> last_bytes;
  for (int i = 0; i < 64; ++i) {
    Bytes bytes(300);
    system_random().fill(bytes);
    last_bytes.insert(bytes.back());
    seen.insert(bytes);
  }
  CHECK(seen.size() == 64);
  CHECK(last_bytes.size() > 16);
}
