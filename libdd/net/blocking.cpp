#include "libdd/net/blocking.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

namespace dd::net {

Result<void> run_to_completion(std::function<Task<void>()> start) {
  asio::io_context io(1);
  bool done = false;
  std::exception_ptr failure;
  asio::co_spawn(io, start(), [&](std::exception_ptr thrown) {
    done = true;
    failure = std::move(thrown);
    io.stop();  // whatever the task left behind must not keep the caller
  });
  io.run();
  if (!done)
    return fail(ErrorCode::internal, "cannot finish blocking call: the task waits for something that never comes");
  if (!failure) return {};
  try {
    std::rethrow_exception(failure);
  } catch (const std::exception& e) {
    return fail(ErrorCode::internal, std::string("cannot finish blocking call: ") + e.what());
  }
}

}  // namespace dd::net
