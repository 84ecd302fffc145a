#include "libdd/enclave/exec.hpp"

#include <fcntl.h>

#include <array>
#include <csignal>

#include <boost/asio/buffer.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <nlohmann/json.hpp>

#include "libdd/enclave/guest_request.hpp"
#include "libdd/enclave/system_error.hpp"

namespace dd::enclave {
namespace {

using namespace std::chrono_literals;

// For a process that escaped and still holds the pipe.
constexpr auto kExecDrain = 500ms;

/// What comes out of one pipe, up to kExecOutput.
class Capture {
 public:
  Capture(net::asio::any_io_executor executor, UniqueFd from) : pipe_(executor, from.release()), over_(executor) {}

  static net::Task<void> read(std::shared_ptr<Capture> self) {
    std::array<char, 16 * 1024> buffer;
    for (;;) {
      boost::system::error_code ended;
      auto token = net::asio::redirect_error(net::asio::use_awaitable, ended);
      const auto room = net::asio::buffer(buffer);
      const auto got = co_await self->pipe_.async_read_some(room, token);
      if (ended) break;
      const auto kept = std::min(got, kExecOutput - self->text_.size());
      self->text_.append(buffer.data(), kept);
      self->truncated_ = self->truncated_ || kept < got;
    }
    self->ended_ = true;
    self->over_.notify();
  }

  net::Task<void> finish() {
    if (!ended_) co_await over_.wait(kExecDrain);
    boost::system::error_code ignored;
    pipe_.close(ignored);
  }
  [[nodiscard]] const std::string& text() const noexcept { return text_; }
  [[nodiscard]] bool truncated() const noexcept { return truncated_; }

 private:
  net::asio::posix::stream_descriptor pipe_;
  net::Event over_;
  std::string text_;
  bool truncated_ = false;
  bool ended_ = false;
};

Result<std::shared_ptr<Capture>> open_capture(net::asio::any_io_executor executor, UniqueFd& writer) {
  int pipe[2];
  if (pipe2(pipe, O_CLOEXEC) != 0) return system_failure("cannot exec");
  writer = UniqueFd(pipe[1]);
  return std::make_shared<Capture>(std::move(executor), UniqueFd(pipe[0]));
}

Json answer_for(const Guest& guest, const ExitStatus& status, const Capture& output, const Capture& error) {
  Json answer = {{"id", guest.id},
                 // easyenclave's word for a signal.
                 {"exit_code", status.code.value_or(-1)},
                 {"stdout", output.text()},
                 {"stderr", error.text()}};
  if (status.signal) answer["signal"] = *status.signal;
  if (output.truncated() || error.truncated()) answer["truncated"] = true;
  return answer;
}

}  // namespace

net::Task<Result<Json>> exec(Runtime& runtime, Json request, std::stop_token caller_left) {
  auto wanted = exec_request_from(request);
  if (!wanted) co_return tl::unexpected(wanted.error());
  const auto executor = co_await net::this_executor();
  GuestStdio stdio;
  const auto output = open_capture(executor, stdio.output);
  const auto error = open_capture(executor, stdio.error);
  if (!output) co_return tl::unexpected(output.error());
  if (!error) co_return tl::unexpected(error.error());
  const auto started = co_await runtime.start_guest(std::move(wanted->guest), std::move(stdio));
  if (!started) co_return tl::unexpected(started.error());
  const auto guest = *started;
  net::spawn(executor, Capture::read(*output), "output of a command");
  net::spawn(executor, Capture::read(*error), "errors of a command");

  // Runs at once when the caller went while it was being started.
  const std::stop_callback leaving(caller_left, [&runtime, &executor, &guest] {
    net::spawn(executor, runtime.guests().end(guest), "end of a command that nobody waits for");
  });
  const bool in_time = co_await guest->child->wait_for(wanted->timeout);
  if (!in_time) co_await runtime.guests().end(guest);
  const auto status = co_await runtime.guests().see_out(guest);
  co_await (*output)->finish();
  co_await (*error)->finish();
  if (caller_left.stop_requested()) co_return fail(ErrorCode::unavailable, "nobody waits for the command any more");
  if (!in_time)
    co_return fail(ErrorCode::deadline_exceeded,
                   "command timed out after " + std::to_string(wanted->timeout.count()) + "s");
  co_return answer_for(*guest, status, **output, **error);
}

}  // namespace dd::enclave
