#include "libdd/net/tcp_diag.hpp"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>

namespace dd::net {
namespace {

namespace ip = boost::asio::ip;

constexpr int kMostTries = 3;  // of a list that changes while it is read

/// Closes it.
struct DiagSocket {
  DiagSocket() : fd(socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG)) {}
  DiagSocket(const DiagSocket&) = delete;
  DiagSocket& operator=(const DiagSocket&) = delete;
  ~DiagSocket() {
    if (fd >= 0) close(fd);
  }

  int fd;
};

struct Question {
  nlmsghdr head{};
  inet_diag_req_v2 body{};
};

bool ask(int fd, std::uint8_t family) {
  Question question;
  question.head.nlmsg_len = sizeof question;
  question.head.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  question.head.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  question.body.sdiag_family = family;
  question.body.sdiag_protocol = IPPROTO_TCP;
  question.body.idiag_states = 1U << TCP_LISTEN;
  return send(fd, &question, sizeof question, 0) == static_cast<ssize_t>(sizeof question);
}

TcpListener listener_from(const inet_diag_msg& row) {
  TcpListener listener;
  if (row.idiag_family == AF_INET) {
    ip::address_v4::bytes_type bytes;
    std::memcpy(bytes.data(), row.id.idiag_src, bytes.size());
    listener.address = ip::address_v4(bytes);
  } else {
    ip::address_v6::bytes_type bytes;
    std::memcpy(bytes.data(), row.id.idiag_src, bytes.size());
    listener.address = ip::address_v6(bytes);
  }
  listener.port = ntohs(row.id.idiag_sport);
  listener.uid = row.idiag_uid;
  listener.inode = row.idiag_inode;
  return listener;
}

/// `absent`: the kernel says that it cannot.
enum class Read { more, done, changed, failed, absent };

/// What one datagram adds.
Read take(const char* bytes, std::size_t size, std::vector<TcpListener>& found) {
  while (size >= sizeof(nlmsghdr)) {
    nlmsghdr head;
    std::memcpy(&head, bytes, sizeof head);
    if (head.nlmsg_len < sizeof head || head.nlmsg_len > size) return Read::failed;
    if ((head.nlmsg_flags & NLM_F_DUMP_INTR) != 0) return Read::changed;
    if (head.nlmsg_type == NLMSG_DONE) {
      // What went wrong comes with it, as in a kernel that has no tcp_diag.
      int error = 0;
      if (head.nlmsg_len >= NLMSG_HDRLEN + sizeof error) std::memcpy(&error, bytes + NLMSG_HDRLEN, sizeof error);
      return error < 0 ? Read::absent : Read::done;
    }
    if (head.nlmsg_type == NLMSG_ERROR) return Read::absent;
    if (head.nlmsg_type != SOCK_DIAG_BY_FAMILY || head.nlmsg_len < NLMSG_HDRLEN + sizeof(inet_diag_msg))
      return Read::failed;
    inet_diag_msg row;
    std::memcpy(&row, bytes + NLMSG_HDRLEN, sizeof row);
    if (row.idiag_family == AF_INET || row.idiag_family == AF_INET6) found.push_back(listener_from(row));
    const std::size_t whole = NLMSG_ALIGN(head.nlmsg_len);
    if (whole >= size) break;
    bytes += whole;
    size -= whole;
  }
  return Read::more;
}

Read read_answer(int fd, std::vector<TcpListener>& found) {
  std::array<char, 32 * 1024> buffer;
  auto read = Read::more;
  while (read == Read::more) {
    const auto got = recv(fd, buffer.data(), buffer.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    read = got > 0 ? take(buffer.data(), static_cast<std::size_t>(got), found) : Read::failed;
  }
  return read;
}

Read read_all(std::vector<TcpListener>& found) {
  for (const std::uint8_t family : {std::uint8_t{AF_INET}, std::uint8_t{AF_INET6}}) {
    const DiagSocket socket;
    if (socket.fd < 0 && errno == EPROTONOSUPPORT) return Read::absent;
    // Out of descriptors, perhaps: no more than now.
    if (socket.fd < 0 || !ask(socket.fd, family)) return Read::failed;
    if (const auto read = read_answer(socket.fd, found); read != Read::done) return read;
  }
  return Read::done;
}

void put(const ip::address& address, __be32 (&where)[4]) {
  if (address.is_v4()) {
    const auto bytes = address.to_v4().to_bytes();
    std::memcpy(where, bytes.data(), bytes.size());
  } else {
    const auto bytes = address.to_v6().to_bytes();
    std::memcpy(where, bytes.data(), bytes.size());
  }
}

/// Whether the kernel lists what listens; asked once, since one that does not says the same as of a socket that is gone.
bool answers_at_all() {
  static const bool answers = listeners_by_diag().has_value();
  return answers;
}

/// The answer to a question about one socket, in one datagram: its uid, when a process has it.
std::optional<std::uint32_t> read_owner(int fd) {
  std::array<char, 4096> buffer;
  ssize_t got = -1;
  do got = recv(fd, buffer.data(), buffer.size(), 0);
  while (got < 0 && errno == EINTR);
  nlmsghdr head;
  if (got < static_cast<ssize_t>(sizeof head)) return std::nullopt;
  std::memcpy(&head, buffer.data(), sizeof head);
  const auto size = static_cast<std::size_t>(got);
  if (head.nlmsg_type != SOCK_DIAG_BY_FAMILY || size < NLMSG_HDRLEN + sizeof(inet_diag_msg)) return std::nullopt;
  inet_diag_msg row;
  std::memcpy(&row, buffer.data() + NLMSG_HDRLEN, sizeof row);
  // Of a socket that no process has the uid says 0, which is somebody's.
  if (row.idiag_inode == 0) return std::nullopt;
  return row.idiag_uid;
}

}  // namespace

std::optional<std::vector<TcpListener>> listeners_by_diag() {
  // Each question may make a kernel without it look for a module.
  static std::atomic<bool> absent{false};
  for (int tries = 0; tries < kMostTries && !absent; ++tries) {
    std::vector<TcpListener> found;
    const auto read = read_all(found);
    if (read == Read::done) return found;
    if (read == Read::absent) absent = true;
    if (read != Read::changed) break;
  }
  return std::nullopt;
}

SocketOwner socket_owner(const ip::tcp::endpoint& own, const ip::tcp::endpoint& peer) {
  if (!answers_at_all()) return {};
  const DiagSocket socket;
  Question question;
  question.head.nlmsg_len = sizeof question;
  question.head.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  question.head.nlmsg_flags = NLM_F_REQUEST;
  question.body.sdiag_family = own.address().is_v4() ? AF_INET : AF_INET6;
  question.body.sdiag_protocol = IPPROTO_TCP;
  question.body.idiag_states = ~std::uint32_t{0};
  question.body.id.idiag_sport = htons(own.port());
  question.body.id.idiag_dport = htons(peer.port());
  put(own.address(), question.body.id.idiag_src);
  put(peer.address(), question.body.id.idiag_dst);
  question.body.id.idiag_cookie[0] = question.body.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
  const bool asked =
      socket.fd >= 0 && send(socket.fd, &question, sizeof question, 0) == static_cast<ssize_t>(sizeof question);
  // Out of descriptors, perhaps: nobody's word is believed for that.
  return {true, asked ? read_owner(socket.fd) : std::nullopt};
}

}  // namespace dd::net
