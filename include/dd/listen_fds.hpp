// Sockets that listen already when a process starts, handed over by whoever started it: sd_listen_fds(3). dd-enclave and systemd do so.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace dd {

class Config;

struct ListenFds {
  std::int64_t pid = 0;  // LISTEN_PID: whom they are meant for
  std::int64_t count = 0;  // LISTEN_FDS: descriptors 3, 4, …
  std::string names;  // LISTEN_FDNAMES, "http:http:compat"; without it all are called "http"

  /// The descriptors of that name; none when they are not meant for this process.
  [[nodiscard]] std::vector<int> named(std::string_view name) const;
  /// Why there are none of that name although some were handed over, and what to do; empty otherwise.
  [[nodiscard]] std::string why_none(std::string_view name) const;
};

/// Declares LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES.
void declare(Config& config, ListenFds& fds);

}  // namespace dd
