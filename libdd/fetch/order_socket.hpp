// The helper's end of the socket to the runtime: an order with descriptors in, reports out.
#pragma once

#include <string>
#include <vector>

#include "libdd/protocol/fetch.hpp"

namespace dd::fetch {

struct ReceivedOrder {
  protocol::FetchOrder order;
  std::vector<int> descriptors;  // GetAsset: the file; UnpackArchive: the archive, the folder
};

/// Borrows the socket.
class OrderSocket {
 public:
  explicit OrderSocket(int fd) noexcept : fd_(fd) {}

  /// Blocks. Errors: unavailable, malformed (also too few or too many descriptors).
  [[nodiscard]] Result<ReceivedOrder> receive();
  /// False when nobody is there any more.
  bool send(const protocol::FetchReport& report);

 private:
  [[nodiscard]] Result<std::string> receive_line(std::vector<int>& descriptors);

  int fd_;
};

}  // namespace dd::fetch
