// The terminal that ddctl was started in, lent to a remote shell.
#pragma once

#include <termios.h>

#include <optional>

#include "libdd/protocol/attach_frames.hpp"

namespace dd::cli {

/// Passes keys on as they are typed. The destructor gives the terminal back as it was. Does nothing when standard input is no terminal.
class LocalTerminal {
 public:
  LocalTerminal();
  ~LocalTerminal();
  LocalTerminal(const LocalTerminal&) = delete;
  LocalTerminal& operator=(const LocalTerminal&) = delete;

  /// 80 columns and 24 rows when nobody knows.
  [[nodiscard]] static protocol::WindowSize size();

 private:
  std::optional<termios> before_;
  // Asio makes descriptors non-blocking, for everyone who shares them.
  int input_flags_;
  int output_flags_;
};

}  // namespace dd::cli
