#include "libdd/net/task.hpp"

#include <algorithm>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

#include "dd/log.hpp"
#include "libdd/net/elsewhere.hpp"
#include "libdd/net/into.hpp"

namespace dd::net {
namespace {

/// steady_clock counts nanoseconds: milliseconds::max() would overflow it.
std::chrono::milliseconds bounded(std::chrono::milliseconds duration) {
  return std::clamp<std::chrono::milliseconds>(duration, std::chrono::milliseconds(0), std::chrono::hours(24 * 365));
}

void log_failure(const std::string& what, std::exception_ptr failure) {
  if (!failure) return;
  try {
    std::rethrow_exception(failure);
  } catch (const boost::system::system_error& e) {
    // How everything that waits ends when its object is closed.
    if (e.code() != asio::error::operation_aborted)
      log::error("task failed", {{"task", what}, {"error", e.code().message()}});
  } catch (const std::exception& e) {
    log::error("task failed", {{"task", what}, {"error", e.what()}});
  }
}

}  // namespace

void spawn(asio::any_io_executor executor, Task<void> task, std::string what, std::shared_ptr<const void> owner) {
  asio::co_spawn(std::move(executor), std::move(task),
                 [what = std::move(what), owner = std::move(owner)](std::exception_ptr failure) {
                   log_failure(what, std::move(failure));
                 });
}

Task<void> sleep_for(std::chrono::milliseconds duration) {
  asio::steady_timer timer(co_await asio::this_coro::executor, bounded(duration));
  boost::system::error_code ignored;
  co_await timer.async_wait(into(ignored));
}

Task<asio::any_io_executor> this_executor() { co_return co_await asio::this_coro::executor; }

Task<void> run_on(asio::thread_pool& pool, std::function<void()> work) {
  std::function<void(std::function<void(std::exception_ptr)>)> start =
      [&pool, work = std::move(work)](std::function<void(std::exception_ptr)> done) {
        asio::post(pool, [work, done = std::move(done)] {
          std::exception_ptr failure;
          try {
            work();
          } catch (...) {
            failure = std::current_exception();  // rethrown to the caller below
          }
          done(failure);
        });
      };
  const auto failure = co_await from_elsewhere<std::exception_ptr>(std::move(start));
  if (failure) std::rethrow_exception(failure);
}

struct Event::State {
  struct Waiter {
    asio::steady_timer timer;
    bool notified = false;
  };

  asio::any_io_executor executor;
  std::vector<Waiter*> waiters;

  void wake(bool notified) {
    for (auto* waiter : waiters) {
      waiter->notified = notified;
      waiter->timer.cancel();
    }
    waiters.clear();
  }
};

Event::Event(asio::any_io_executor executor) : state_(std::make_shared<State>()) {
  state_->executor = std::move(executor);
}
Event::~Event() { state_->wake(false); }
void Event::notify() { state_->wake(true); }

namespace {

/// Takes the waiter out again, also when the io_context destroys the waiting coroutine.
template <class State, class Waiter>
struct Enrolled {
  State& state;
  Waiter& waiter;
  Enrolled(State& s, Waiter& w) : state(s), waiter(w) { state.waiters.push_back(&waiter); }
  ~Enrolled() { std::erase(state.waiters, &waiter); }
  Enrolled(const Enrolled&) = delete;
  Enrolled& operator=(const Enrolled&) = delete;
};

}  // namespace

Task<bool> Event::wait(std::chrono::milliseconds timeout) {
  const auto state = state_;
  State::Waiter waiter{asio::steady_timer(state->executor, bounded(timeout))};
  const Enrolled enrolled(*state, waiter);
  boost::system::error_code ignored;
  co_await waiter.timer.async_wait(into(ignored));
  co_return waiter.notified;
}

}  // namespace dd::net
