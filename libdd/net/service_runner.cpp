#include "libdd/net/service_runner.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

namespace dd::net {
namespace {

struct Life {
  Life(asio::io_context& io, std::stop_token token, std::function<Task<Result<void>>()> on_start,
       std::function<Task<void>()> on_stop)
      : stop_token(std::move(token)),
        start(std::move(on_start)),
        stop(std::move(on_stop)),
        stop_requested(io.get_executor()) {}

  std::stop_token stop_token;
  std::function<Task<Result<void>>()> start;
  std::function<Task<void>()> stop;
  Event stop_requested;
  Result<void> outcome;

  Task<void> run() {
    auto starting = start();
    outcome = co_await std::move(starting);
    if (!outcome) co_return;
    while (!stop_token.stop_requested()) {
      auto waiting = stop_requested.wait(std::chrono::hours(24));
      co_await std::move(waiting);
    }
    auto stopping = stop();
    co_await std::move(stopping);
  }
};

}  // namespace

Result<void> run_until_stopped(asio::io_context& io, std::stop_token stop_token,
                               std::function<Task<Result<void>>()> start, std::function<Task<void>()> stop) {
  const auto life = std::make_shared<Life>(io, stop_token, std::move(start), std::move(stop));
  asio::co_spawn(io, life->run(), [&io, life](std::exception_ptr failure) {
    io.stop();
    if (!failure) return;
    try {
      std::rethrow_exception(failure);
    } catch (const std::exception& e) {
      life->outcome = fail(ErrorCode::internal, std::string("cannot run service: ") + e.what());
    }
  });
  {
    // From any thread, a signal-handling one too; the event itself belongs to the io thread.
    const std::stop_callback wake(stop_token,
                                  [&io, life] { asio::post(io, [life] { life->stop_requested.notify(); }); });
    io.run();
  }
  return life->outcome;
}

}  // namespace dd::net
