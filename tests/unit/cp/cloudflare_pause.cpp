#include "libdd/cp/cloudflare_pause.hpp"

#include <doctest/doctest.h>

#include "tests/unit/cp/room.hpp"

using namespace dd;
using namespace dd::cp;
using namespace std::chrono_literals;

TEST_CASE("how long Cloudflare wants no call is known to whoever has the registry next") {
  Room f;
  CloudflarePause pause(f.io.get_executor(), f.store, f.clock);
  CHECK(f.run(pause.left()).value() == 0s);
  pause.begin(300s);
  while (f.run(pause.left()).value() == 0s) f.io.poll();
  f.clock.advance(100s);
  CloudflarePause next(f.io.get_executor(), f.store, f.clock);
  CHECK(f.run(next.left()).value() == 200s);
  f.clock.advance(200s);
  CHECK(f.run(next.left()).value() == 0s);
}

TEST_CASE("a pause that a wrong clock or a hand made endless is an hour at most, and one that makes no sense none") {
  Room f;
  CloudflarePause pause(f.io.get_executor(), f.store, f.clock);
  f.must(f.store.set_setting("cloudflare_paused_until", std::to_string(f.clock.unix_seconds() + 1'000'000)));
  CHECK(f.run(pause.left()).value() == 1h);
  f.must(f.store.set_setting("cloudflare_paused_until", "soon"));
  CHECK(f.run(pause.left()).value() == 0s);
}
