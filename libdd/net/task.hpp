// Coroutines on Asio: the return type, the handler for work nobody awaits, and the ways to wait.
#pragma once

#include <utility>  // Boost 1.74's awaitable.hpp forgets it

#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "dd/error.hpp"

namespace boost::asio {
class io_context;
class thread_pool;
}  // namespace boost::asio

namespace dd {

namespace asio = boost::asio;

}  // namespace dd

namespace dd::net {

namespace asio = boost::asio;

template <class T>
using Task = asio::awaitable<T>;

/// Starts `task` on `executor`; an exception that escapes is logged as "<what> failed" and goes no further.
/// There is no detached: it swallows exceptions. `owner` lives until the task has ended: give the object whose member function it is, because a
/// coroutine starts later than it is called.
void spawn(asio::any_io_executor executor, Task<void> task, std::string what, std::shared_ptr<const void> owner = {});

/// Waits; ends early, without error, when the io_context stops.
Task<void> sleep_for(std::chrono::milliseconds duration);

/// The executor the calling coroutine runs on.
Task<asio::any_io_executor> this_executor();

/// Runs `work` on `pool` and resumes on the caller's executor. For SQLite, hashing of files, name resolution.
/// Name the function before the co_await (g++ 12, docs/adr).
Task<void> run_on(asio::thread_pool& pool, std::function<void()> work);

/// Wakes waiting coroutines. One strand (or one thread) only.
class Event {
 public:
  explicit Event(asio::any_io_executor executor);
  ~Event();
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  /// Wakes everyone who waits now.
  void notify();
  /// True when notified, false after `timeout`.
  Task<bool> wait(std::chrono::milliseconds timeout);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace dd::net
