#include "libdd/enclave/pty.hpp"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>

#include <cstdlib>

#include "libdd/enclave/system_error.hpp"

namespace dd::enclave {

Result<Pty> open_pty(protocol::WindowSize size) {
  constexpr const char* kWhat = "cannot open a terminal";
  Pty pty;
  pty.master = UniqueFd(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!pty.master || unlockpt(pty.master.get()) != 0) return system_failure(kWhat);
  // Not by name: which /dev/pts it is in depends on the mount namespace.
  pty.terminal = UniqueFd(ioctl(pty.master.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!pty.terminal) return system_failure(kWhat);
  resize(pty.master.get(), size);
  return pty;
}

Result<void> give_terminal(const UniqueFd& terminal, uid_t uid, gid_t gid) {
  if (fchown(terminal.get(), uid, gid) == 0 && fchmod(terminal.get(), 0600) == 0) return {};
  return system_failure("cannot give the terminal to uid " + std::to_string(uid));
}

void write_plain_lines(const UniqueFd& terminal) noexcept {
  termios mode{};
  if (tcgetattr(terminal.get(), &mode) != 0) return;
  mode.c_oflag &= ~static_cast<tcflag_t>(ONLCR);
  tcsetattr(terminal.get(), TCSANOW, &mode);
}

void resize(int master, protocol::WindowSize size) noexcept {
  winsize window{};
  window.ws_col = size.cols;
  window.ws_row = size.rows;
  ioctl(master, TIOCSWINSZ, &window);
}

}  // namespace dd::enclave
