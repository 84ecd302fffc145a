#include "libdd/net/turns.hpp"

#include <doctest/doctest.h>

#include "tests/support/run_task.hpp"

using namespace dd;
using namespace dd::net;

namespace {

Task<bool> visit(Turns& turns, std::string name, std::vector<int>& seen, int number, int& inside) {
  const auto turn = co_await turns.take(std::move(name));
  ++inside;
  REQUIRE(inside == 1);
  co_await sleep_for(std::chrono::milliseconds(1));
  seen.push_back(number);
  --inside;
  co_return true;
}

}  // namespace

TEST_CASE("one at a time, in the order of asking") {
  asio::io_context io;
  Turns turns(io.get_executor());
  std::vector<int> seen;
  int inside = 0;
  for (int i = 0; i < 10; ++i) test::start(io, visit(turns, "app", seen, i, inside));
  io.run();
  CHECK(seen == std::vector{0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
}

TEST_CASE("names do not wait for each other") {
  asio::io_context io;
  Turns turns(io.get_executor());
  auto holding = test::run(io, turns.take("a"));
  std::vector<int> seen;
  int inside = 0;
  const auto same = test::start(io, visit(turns, "a", seen, 1, inside));
  CHECK(test::run(io, visit(turns, "b", seen, 2, inside)));
  CHECK_FALSE(same->result.has_value());
  {
    const auto over = std::move(holding);
  }
  io.restart();
  io.run();
  CHECK(seen == std::vector{2, 1});
}
