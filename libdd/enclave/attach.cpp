#include "libdd/enclave/attach.hpp"

#include <array>
#include <csignal>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <nlohmann/json.hpp>

#include "libdd/enclave/answers.hpp"
#include "libdd/enclave/guest_request.hpp"
#include "libdd/enclave/pty.hpp"
#include "libdd/net/byte_connection.hpp"

namespace dd::enclave {
namespace {

using namespace std::chrono_literals;
using net::asio::posix::stream_descriptor;
using protocol::AttachFrame;

// When the command has ended: how long a caller that reads slowly has to take what was said last, ...
constexpr auto kSlowReader = 10s;
// ... and how long something that escaped may go on holding the terminal.
constexpr auto kEscaped = 500ms;
// The kernel gives no more at once.
constexpr std::size_t kPiece = 4096;

/// One terminal and its caller. Shared by the coroutines that serve it.
class Attachment {
 public:
  Attachment(net::asio::any_io_executor executor, UniqueFd master, bool framed)
      : executor_(executor), master_(executor, master.release()), framed_(framed), output_over_(executor) {}

  static net::Task<void> serve(std::shared_ptr<Attachment> self, Runtime& runtime, GuestPtr guest,
                               std::shared_ptr<net::ByteConnection> caller);

 private:
  static net::Task<void> read_output(std::shared_ptr<Attachment> self, std::shared_ptr<net::ByteConnection> caller);
  static net::Task<void> read_input(std::shared_ptr<Attachment> self, Runtime& runtime, GuestPtr guest,
                                    std::shared_ptr<net::ByteConnection> caller);
  static net::Task<void> watch(std::shared_ptr<Attachment> self, Runtime& runtime, GuestPtr guest,
                               std::shared_ptr<net::ByteConnection> caller);
  net::Task<bool> take_frames(std::string_view bytes);
  net::Task<bool> type(std::string_view bytes);

  net::asio::any_io_executor executor_;
  stream_descriptor master_;
  bool framed_;
  protocol::AttachFrameReader frames_;
  net::Event output_over_;
  bool output_ended_ = false;
  bool writing_ = false;
};

net::Task<void> Attachment::serve(std::shared_ptr<Attachment> self, Runtime& runtime, GuestPtr guest,
                                  std::shared_ptr<net::ByteConnection> caller) {
  net::spawn(self->executor_, read_output(self, caller), "output of a terminal");
  net::spawn(self->executor_, read_input(self, runtime, guest, caller), "input of a terminal");
  net::spawn(self->executor_, watch(self, runtime, guest, caller), "caller of a terminal");
  const auto status = co_await runtime.guests().see_out(guest);
  const std::chrono::milliseconds patience = self->writing_ ? kSlowReader : kEscaped;
  if (!self->output_ended_) co_await self->output_over_.wait(patience);
  boost::system::error_code ignored;
  self->master_.close(ignored);
  if (self->framed_ && !self->writing_) {
    const auto last = protocol::exit_frame({status.code, status.signal});
    co_await caller->write(last);
  }
  caller->close();
}

net::Task<void> Attachment::read_output(std::shared_ptr<Attachment> self, std::shared_ptr<net::ByteConnection> caller) {
  std::array<char, kPiece> buffer;
  for (;;) {
    boost::system::error_code ended;
    auto token = net::asio::redirect_error(net::asio::use_awaitable, ended);
    const auto room = net::asio::buffer(buffer);
    const auto got = co_await self->master_.async_read_some(room, token);
    // EIO: nobody has the terminal open any more.
    if (ended) break;
    const std::string_view bytes(buffer.data(), got);
    const auto piece = self->framed_ ? protocol::data_frame(bytes) : std::string(bytes);
    self->writing_ = true;
    const bool written = co_await caller->write(piece);
    self->writing_ = false;
    if (!written) break;
  }
  self->output_ended_ = true;
  self->output_over_.notify();
}

// Whoever sends no more has hung up.
net::Task<void> Attachment::read_input(std::shared_ptr<Attachment> self, Runtime& runtime, GuestPtr guest,
                                       std::shared_ptr<net::ByteConnection> caller) {
  std::array<char, kPiece> buffer;
  for (;;) {
    const auto got = co_await caller->read(buffer);
    if (got == 0) break;
    const std::string_view bytes(buffer.data(), got);
    bool taken = false;
    if (self->framed_)
      taken = co_await self->take_frames(bytes);
    else
      taken = co_await self->type(bytes);
    if (!taken) break;
  }
  co_await runtime.guests().end(guest);
}

// A command that does not read its input keeps read_input() waiting, and one that says nothing read_output().
net::Task<void> Attachment::watch(std::shared_ptr<Attachment> self, Runtime& runtime, GuestPtr guest,
                                  std::shared_ptr<net::ByteConnection> caller) {
  co_await caller->hung_up();
  boost::system::error_code ignored;
  // As when a modem lost its line: the kernel tells the foreground group.
  self->master_.close(ignored);
  co_await runtime.guests().end(guest);
}

net::Task<bool> Attachment::take_frames(std::string_view bytes) {
  frames_.append(bytes);
  for (;;) {
    const auto frame = frames_.next();
    if (!frame) co_return false;
    if (!*frame) co_return true;
    const auto& taken = **frame;
    if (taken.type == AttachFrame::Type::exit) co_return false;
    if (taken.type == AttachFrame::Type::resize) {
      const auto size = protocol::window_size_from(taken.payload);
      if (!size) co_return false;
      if (master_.is_open()) resize(master_.native_handle(), *size);
    } else {
      const bool typed = co_await type(taken.payload);
      if (!typed) co_return false;
    }
  }
}

net::Task<bool> Attachment::type(std::string_view bytes) {
  boost::system::error_code failed;
  auto token = net::asio::redirect_error(net::asio::use_awaitable, failed);
  const auto from = net::asio::buffer(bytes.data(), bytes.size());
  co_await net::asio::async_write(master_, from, token);
  co_return !failed;
}

net::LineReply refused_attach(const Error& error) {
  net::LineReply reply;
  reply.line = answer_line(tl::unexpected(error));
  return reply;
}

}  // namespace

net::Task<net::LineReply> attach(Runtime& runtime, Json request) {
  auto wanted = attach_request_from(request);
  if (!wanted) co_return refused_attach(wanted.error());
  auto pty = open_pty(wanted->window);
  if (!pty) co_return refused_attach(pty.error());
  GuestStdio stdio;
  stdio.terminal = std::move(pty->terminal);
  const auto started = co_await runtime.start_guest(std::move(wanted->guest), std::move(stdio));
  if (!started) co_return refused_attach(started.error());
  const auto guest = *started;
  const auto executor = co_await net::this_executor();
  const auto attachment = std::make_shared<Attachment>(executor, std::move(pty->master), wanted->framed);
  net::LineReply reply;
  reply.line = answer_line(Json{{"attached", true}, {"id", guest->id}});
  reply.take_over = [&runtime, guest, attachment](std::shared_ptr<net::ByteConnection> caller) {
    return Attachment::serve(attachment, runtime, guest, std::move(caller));
  };
  co_return reply;
}

}  // namespace dd::enclave
