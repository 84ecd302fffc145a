// A pseudo-terminal: our end, and the one that a program takes for its terminal.
#pragma once

#include <sys/types.h>

#include "dd/error.hpp"
#include "libdd/enclave/unique_fd.hpp"
#include "libdd/protocol/attach_frames.hpp"

namespace dd::enclave {

struct Pty {
  UniqueFd master;
  UniqueFd terminal;
};

/// Errors: unavailable.
[[nodiscard]] Result<Pty> open_pty(protocol::WindowSize size);
/// Makes the terminal its user's own, so that its programs may open it again by name and nobody else may. As root only.
[[nodiscard]] Result<void> give_terminal(const UniqueFd& terminal, uid_t uid, gid_t gid);
/// Lines end as they are written, without a carriage return: for a terminal whose output is a log.
void write_plain_lines(const UniqueFd& terminal) noexcept;
/// The foreground program gets SIGWINCH when the size is another.
void resize(int master, protocol::WindowSize size) noexcept;

}  // namespace dd::enclave
