#include "libdd/cli/local_terminal.hpp"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace dd::cli {

LocalTerminal::LocalTerminal()
    : input_flags_(fcntl(STDIN_FILENO, F_GETFL)), output_flags_(fcntl(STDOUT_FILENO, F_GETFL)) {
  termios mode{};
  if (tcgetattr(STDIN_FILENO, &mode) != 0) return;
  before_ = mode;
  cfmakeraw(&mode);
  tcsetattr(STDIN_FILENO, TCSADRAIN, &mode);
}

LocalTerminal::~LocalTerminal() {
  if (input_flags_ != -1) fcntl(STDIN_FILENO, F_SETFL, input_flags_);
  if (output_flags_ != -1) fcntl(STDOUT_FILENO, F_SETFL, output_flags_);
  if (before_) tcsetattr(STDIN_FILENO, TCSADRAIN, &*before_);
}

protocol::WindowSize LocalTerminal::size() {
  protocol::WindowSize size;
  winsize window{};
  if (ioctl(STDIN_FILENO, TIOCGWINSZ, &window) != 0 && ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) != 0) return size;
  const auto possible = [](unsigned short side) { return side >= 1 && side <= protocol::WindowSize::kMaxWindow; };
  if (possible(window.ws_col)) size.cols = window.ws_col;
  if (possible(window.ws_row)) size.rows = window.ws_row;
  return size;
}

}  // namespace dd::cli
