#include "libdd/net/task.hpp"

#include <stop_token>

#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>

#include "dd/log.hpp"
#include "libdd/net/backoff.hpp"
#include "libdd/net/beside.hpp"
#include "libdd/net/blocking.hpp"
#include "libdd/net/service_runner.hpp"
#include "tests/unit/net/io_thread.hpp"

#include <doctest/doctest.h>

using namespace dd;
using namespace dd::net;
using namespace std::chrono_literals;

TEST_CASE("run_on works on the pool and comes back to the caller's thread") {
  asio::thread_pool pool(1);
  const auto caller = std::this_thread::get_id();
  std::thread::id worker;
  std::thread::id after;
  const auto outcome = run_blocking([&]() -> Task<Result<int>> {
    std::function<void()> work = [&] { worker = std::this_thread::get_id(); };
    co_await run_on(pool, std::move(work));
    after = std::this_thread::get_id();
    co_return 7;
  });
  CHECK(outcome.value() == 7);
  CHECK(worker != caller);
  CHECK(after == caller);
  pool.join();
}

TEST_CASE("what the work throws reaches the caller, and what a blocking task throws becomes internal") {
  asio::thread_pool pool(1);
  const auto outcome = run_blocking([&]() -> Task<Result<int>> {
    std::function<void()> work = [] { throw std::runtime_error("disk on fire"); };
    co_await run_on(pool, std::move(work));
    co_return 7;
  });
  REQUIRE_FALSE(outcome.has_value());
  CHECK(outcome.error().code == ErrorCode::internal);
  CHECK(outcome.error().message.find("disk on fire") != std::string::npos);
  pool.join();
}

TEST_CASE("a task's owner lives until the task has ended") {
  asio::io_context io;
  auto owner = std::make_shared<int>(7);
  const std::weak_ptr<int> watched = owner;
  int seen = 0;
  const auto look = [](const int* value, int* into) -> Task<void> {
    *into = *value;
    co_return;
  };
  auto task = look(owner.get(), &seen);
  spawn(io.get_executor(), std::move(task), "look", std::move(owner));
  CHECK_FALSE(watched.expired());
  io.run();
  CHECK(seen == 7);
  CHECK(watched.expired());
}

TEST_CASE("work beside its caller begins at once, and what it returns or throws is there when it is asked for") {
  test::IoThread io;
  const auto order = io.await([]() -> Task<std::string> {
    std::string done;
    const auto say = [&done](std::string what, int turns) -> Task<std::string> {
      for (int i = 0; i < turns; ++i) co_await sleep_for(0ms);
      if (turns < 0) throw std::runtime_error(what);
      done += what;
      co_return what;
    };
    const auto executor = co_await this_executor();
    Beside<std::string> slow(executor, say("slow", 50));
    Beside<std::string> quick(executor, say("quick", 0));
    Beside<std::string> bad(executor, say("bad", -1));
    auto own = say(" own", 5);
    co_await std::move(own);
    const auto first = co_await slow.result();
    const auto second = co_await quick.result();
    done += " " + first + "," + second;
    try {
      co_await bad.result();
    } catch (const std::runtime_error& thrown) {
      done += std::string(",") + thrown.what();
    }
    co_return done;
  });
  CHECK(order == "quick ownslow slow,quick,bad");
}

TEST_CASE("an event wakes everyone who waits, and a wait ends by itself") {
  test::IoThread io;
  const auto woken = io.await([&]() -> Task<std::pair<int, bool>> {
    auto event = std::make_shared<Event>(co_await this_executor());
    auto all = std::make_shared<Event>(co_await this_executor());
    auto count = std::make_shared<int>(0);
    const auto waiter = [event, all, count]() -> Task<void> {
      const bool notified = co_await event->wait(10s);
      if (notified) ++*count;
      all->notify();
    };
    for (int i = 0; i < 3; ++i) spawn(co_await this_executor(), waiter(), "waiter");
    co_await sleep_for(0ms);
    event->notify();
    while (*count < 3) co_await all->wait(10s);
    const bool timed_out = !co_await event->wait(1ms);
    co_return std::pair(*count, timed_out);
  });
  CHECK(woken.first == 3);
  CHECK(woken.second);
}

TEST_CASE("an event that goes lets its waiters go") {
  test::IoThread io;
  const bool notified = io.await([&]() -> Task<bool> {
    auto event = std::make_unique<Event>(co_await this_executor());
    auto waiting = event->wait(std::chrono::milliseconds::max());
    const auto executor = co_await this_executor();
    asio::post(executor, [&event] { event.reset(); });
    co_return co_await std::move(waiting);
  });
  CHECK_FALSE(notified);
}

TEST_CASE("a service runs until it is told to stop, and stops once") {
  asio::io_context io;
  std::stop_source source;
  int stopped = 0;
  const auto outcome = run_until_stopped(
      io, source.get_token(),
      [&]() -> Task<Result<void>> {
        source.request_stop();  // while it still starts
        co_await sleep_for(1ms);
        co_return Result<void>();
      },
      [&]() -> Task<void> {
        ++stopped;
        co_return;
      });
  CHECK(outcome.has_value());
  CHECK(stopped == 1);
}

TEST_CASE("a service that cannot start says why and is not stopped") {
  asio::io_context io;
  int stopped = 0;
  const auto stop = [&]() -> Task<void> {
    ++stopped;
    co_return;
  };
  const auto failed = run_until_stopped(
      io, std::stop_token(), []() -> Task<Result<void>> { co_return fail(ErrorCode::unavailable, "cannot listen"); },
      stop);
  CHECK(failed.error().message == "cannot listen");
  asio::io_context second;
  const auto threw = run_until_stopped(
      second, std::stop_token(),
      []() -> Task<Result<void>> {
        throw std::runtime_error("oops");
        co_return Result<void>();
      },
      stop);
  CHECK(threw.error().code == ErrorCode::internal);
  CHECK(stopped == 0);
}

TEST_CASE("back-off doubles to its ceiling within its upper half") {
  struct Steps final : Random {
    std::byte value{0};
    void fill(std::span<std::byte> out) override { std::ranges::fill(out, value); }
  } random;
  Backoff least({100ms, 1000ms}, random);
  for (const auto want : {100, 200, 400, 800, 1000, 1000}) CHECK(least.next().count() == want);
  least.reset();
  CHECK(least.next() == 100ms);
  Backoff any({100ms, 1000ms}, system_random());
  for (const auto ceiling : {100, 200, 400, 800, 1000}) {
    const auto delay = any.next().count();
    CHECK(delay >= ceiling / 2);
    CHECK(delay <= ceiling);
  }
}
