#include "libdd/fetch/order_socket.hpp"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

namespace dd::fetch {
namespace {

constexpr std::size_t kDescriptorsPerOrder = 2;

void take_descriptors(msghdr& message, std::vector<int>& descriptors) {
  for (auto* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    const auto count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(header) + i * sizeof fd, sizeof fd);
      descriptors.push_back(fd);
    }
  }
}

}  // namespace

Result<std::string> OrderSocket::receive_line(std::vector<int>& descriptors) {
  std::string line;
  std::array<char, 4096> bytes;
  while (line.size() <= protocol::kMaxFetchLine) {
    alignas(cmsghdr) std::array<char, CMSG_SPACE(kDescriptorsPerOrder * sizeof(int))> control{};
    iovec part{bytes.data(), bytes.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const auto got = recvmsg(fd_, &message, MSG_CMSG_CLOEXEC);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0)
      return fail(ErrorCode::unavailable, "cannot read the order: " + std::generic_category().message(errno));
    if (got == 0) return fail(ErrorCode::unavailable, "cannot read the order: the runtime is gone");
    take_descriptors(message, descriptors);
    line.append(bytes.data(), static_cast<std::size_t>(got));
    if (line.back() == '\n') return line.substr(0, line.size() - 1);
  }
  return fail(ErrorCode::malformed, "cannot read the order: it is too long");
}

Result<ReceivedOrder> OrderSocket::receive() {
  ReceivedOrder received;
  const auto line = receive_line(received.descriptors);
  if (!line) return tl::unexpected(line.error());
  auto order = protocol::fetch_order_from(*line);
  if (!order) return wrap(order.error(), "cannot read the order");
  received.order = *std::move(order);
  const std::size_t wanted = std::holds_alternative<protocol::GetAsset>(received.order) ? 1 : 2;
  if (received.descriptors.size() == wanted) return received;
  return fail(ErrorCode::malformed, "cannot carry out the order: " + std::to_string(received.descriptors.size()) +
                                        " descriptors came along, want " + std::to_string(wanted));
}

bool OrderSocket::send(const protocol::FetchReport& report) {
  const auto line = protocol::to_line(report) + "\n";
  std::string_view rest = line;
  while (!rest.empty()) {
    const auto sent = ::send(fd_, rest.data(), rest.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return false;
    rest.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

}  // namespace dd::fetch
