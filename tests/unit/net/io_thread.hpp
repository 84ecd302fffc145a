// An io_context that runs on a thread of its own while a test talks to it with blocking calls.
#pragma once

#include <functional>
#include <future>
#include <thread>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include "libdd/net/task.hpp"

namespace dd::test {

class IoThread {
 public:
  IoThread() : guard_(boost::asio::make_work_guard(io_)), thread_([this] { io_.run(); }) {}
  ~IoThread() { join(); }
  IoThread(const IoThread&) = delete;
  IoThread& operator=(const IoThread&) = delete;

  [[nodiscard]] boost::asio::any_io_executor executor() { return io_.get_executor(); }

  /// Runs `work` on the io thread and waits for it.
  void run(std::function<void()> work) {
    std::promise<void> done;
    boost::asio::post(io_, [&] {
      work();
      done.set_value();
    });
    done.get_future().get();
  }

  /// Runs a coroutine there and waits for its value; throws what it throws.
  template <class Factory>
  auto await(Factory factory) {
    using Value = typename std::invoke_result_t<Factory&>::value_type;
    std::promise<Value> done;
    boost::asio::co_spawn(io_, factory(), [&done](std::exception_ptr failure, auto... value) {
      if (failure)
        done.set_exception(failure);
      else
        done.set_value(std::move(value)...);
    });
    return done.get_future().get();
  }

  /// Drops what still waits.
  void join() {
    guard_.reset();
    io_.stop();
    if (thread_.joinable()) thread_.join();
  }

 private:
  boost::asio::io_context io_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard_;
  std::thread thread_;
};

}  // namespace dd::test
