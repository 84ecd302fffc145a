// Runs coroutines to their end on a test's own io_context.
#pragma once

#include <exception>
#include <memory>
#include <optional>
#include <utility>

#include "libdd/net/task.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

namespace dd::test {

/// A task that was started; `result` is there when it ended.
template <class T>
struct Started {
  std::optional<T> result;
  std::exception_ptr failure;
};

/// Starts `task`; it goes on whenever `io` runs.
template <class T>
std::shared_ptr<Started<T>> start(net::asio::io_context& io, net::Task<T> task) {
  auto started = std::make_shared<Started<T>>();
  net::asio::co_spawn(io, std::move(task), [started](std::exception_ptr failure, T value) {
    started->failure = failure;
    started->result = std::move(value);
  });
  return started;
}

/// Runs `io` until what was started has ended, and returns what it returned.
template <class T>
T finish(net::asio::io_context& io, const std::shared_ptr<Started<T>>& started) {
  io.restart();
  while (!started->result && io.run_one() > 0) {
  }
  if (started->failure) std::rethrow_exception(started->failure);
  return std::move(started->result).value();
}

template <class T>
T run(net::asio::io_context& io, net::Task<T> task) {
  return finish(io, start(io, std::move(task)));
}

/// Lets everything run that can run without waiting.
inline void settle(net::asio::io_context& io) {
  io.restart();
  while (io.poll() > 0) {
  }
}

}  // namespace dd::test
