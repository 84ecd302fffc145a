// One process of a deployment, while it lives.
#pragma once

#include <cstdint>
#include <optional>
#include <set>

#include <boost/asio/posix/stream_descriptor.hpp>

#include "libdd/enclave/child.hpp"
#include "libdd/enclave/process_family.hpp"
#include "libdd/enclave/unique_fd.hpp"

namespace dd::enclave {

struct Run {
  Run(net::asio::any_io_executor executor, int output_fd)
      : output(executor, output_fd), output_over(executor), over(executor) {}

  std::shared_ptr<Child> child;
  std::chrono::steady_clock::time_point started_at = std::chrono::steady_clock::now();
  ProcessFamily family;
  std::set<std::uint64_t> earlier_sockets;  // see SocketHolder
  net::asio::posix::stream_descriptor output;  // what it writes
  net::Event output_over;
  bool output_ended = false;
  UniqueFd capability;         // our end, until it is served
  UniqueFd capability_handle;  // the same socket, to cut it off when the process is gone
  /// Until when the group may take its time; set when it is told to stop.
  std::optional<std::chrono::steady_clock::time_point> halt_deadline;
  net::Event over;
  bool ended = false;
};

}  // namespace dd::enclave
