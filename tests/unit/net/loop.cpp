#include "libdd/net/loop.hpp"

#include <doctest/doctest.h>

#include <boost/asio/post.hpp>

#include "libdd/net/elsewhere.hpp"
#include "libdd/net/turns.hpp"

using namespace dd;
using namespace dd::net;

namespace {

/// A service as ours are: made after its loop, so that it is destroyed before it.
struct LoopService {
  Loop io;
  Turns turns{io.get_executor()};
  int ended = 0;

  LoopService() = default;
  LoopService(const LoopService&) = delete;
  LoopService& operator=(const LoopService&) = delete;
  ~LoopService() { io.end_tasks(); }

  struct Ending {
    int& count;
    explicit Ending(int& c) : count(c) {}
    Ending(const Ending&) = delete;
    Ending& operator=(const Ending&) = delete;
    ~Ending() { ++count; }
  };
  Task<void> work(std::string key) {
    const Ending ending{ended};
    const auto turn = co_await turns.take(std::move(key));
    co_await sleep_for(std::chrono::hours(1));
  }
};

Task<void> wait_for_elsewhere(std::function<void(int)>& done, bool& arrived) {
  std::function<void(std::function<void(int)>)> start = [&done](std::function<void(int)> given) {
    done = std::move(given);
  };
  (void)co_await from_elsewhere<int>(std::move(start));
  arrived = true;
}

}  // namespace

TEST_CASE("what waits on a loop ends while what it refers to is still there") {
  LoopService service;
  for (const auto* key : {"a", "a", "a", "b"}) spawn(service.io.get_executor(), service.work(key), "work");
  service.io.poll();
  CHECK(service.ended == 0);
  service.io.end_tasks();
  CHECK(service.ended == 4);
}

TEST_CASE("what a loop was given and never began goes too") {
  const auto kept = std::make_shared<int>(1);
  Loop io;
  boost::asio::post(io, [kept] { FAIL("it ran"); });
  io.end_tasks();
  CHECK(kept.use_count() == 1);
}

TEST_CASE("what another thread brings after the end is dropped") {
  std::function<void(int)> done;
  bool arrived = false;
  {
    Loop io;
    spawn(io.get_executor(), wait_for_elsewhere(done, arrived), "elsewhere");
    io.poll();
    REQUIRE(done);
    io.end_tasks();
    done(1);
  }
  done(2);
  CHECK_FALSE(arrived);
}
