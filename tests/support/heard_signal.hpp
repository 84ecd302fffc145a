// A signal that the test's process hears as a program with Asio does: whoever runs the handler writes to a pipe, a forked child too.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <stdexcept>

namespace dd::test {

/// One at a time: a handler has no place for more.
class HeardSignal {
 public:
  explicit HeardSignal(int number) : number_(number) {
    if (pipe2(pipe_, O_CLOEXEC | O_NONBLOCK) != 0) throw std::runtime_error("cannot make a pipe");
    struct sigaction handled{};
    handled.sa_handler = [](int) { (void)!write(pipe_[1], "x", 1); };
    sigaction(number_, &handled, &before_);
  }
  HeardSignal(const HeardSignal&) = delete;
  HeardSignal& operator=(const HeardSignal&) = delete;
  ~HeardSignal() {
    sigaction(number_, &before_, nullptr);
    close(pipe_[0]);
    close(pipe_[1]);
  }
  /// Each time that it came counts once.
  [[nodiscard]] static bool came() {
    char byte = 0;
    return read(pipe_[0], &byte, 1) == 1;
  }

 private:
  inline static int pipe_[2] = {-1, -1};
  int number_;
  struct sigaction before_{};
};

}  // namespace dd::test
