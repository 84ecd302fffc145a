#include "tests/unit/net/raw_client.hpp"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <stdexcept>

#include "libdd/net/ascii.hpp"

namespace dd::test {

std::string RawAnswer::header(std::string_view name) const {
  std::string_view rest = head;
  while (!rest.empty()) {
    const auto line = rest.substr(0, rest.find("\r\n"));
    rest.remove_prefix(std::min(line.size() + 2, rest.size()));
    const auto colon = line.find(": ");
    if (colon != std::string_view::npos && net::same_ignoring_case(line.substr(0, colon), name))
      return std::string(line.substr(colon + 2));
  }
  return {};
}

RawClient::RawClient(std::uint16_t port) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    throw std::runtime_error("cannot connect to the server under test");
  // A server that never answers fails the test instead of hanging it.
  const timeval patience{20, 0};
  setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
}

RawClient::~RawClient() { close(fd_); }

void RawClient::send(std::string_view bytes) const {
  while (!bytes.empty()) {
    const auto count = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) return;  // closed by the server: the test sees it in answer() or closed()
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
}

bool RawClient::receive() {
  std::array<char, 8192> chunk;
  const auto count = recv(fd_, chunk.data(), chunk.size(), 0);
  if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
    throw std::runtime_error("the server under test stays silent");
  if (count <= 0) return false;
  bytes_.append(chunk.data(), static_cast<std::size_t>(count));
  return true;
}

std::optional<RawAnswer> RawClient::answer(bool head_only) {
  std::size_t end = 0;
  while ((end = bytes_.find("\r\n\r\n")) == std::string::npos)
    if (!receive()) return std::nullopt;
  RawAnswer answer;
  answer.head = bytes_.substr(0, end + 2);
  answer.status = std::stoi(answer.head.substr(9, 3));
  bytes_.erase(0, end + 4);
  const auto length = answer.header("Content-Length");
  const auto size = head_only || length.empty() ? std::size_t{0} : std::stoul(length);
  while (bytes_.size() < size)
    if (!receive()) return std::nullopt;
  answer.body = bytes_.substr(0, size);
  bytes_.erase(0, size);
  return answer;
}

std::string RawClient::take(std::size_t count) {
  while (bytes_.size() < count)
    if (!receive()) break;
  auto taken = bytes_.substr(0, count);
  bytes_.erase(0, taken.size());
  return taken;
}

bool RawClient::closed() {
  while (receive()) {
  }
  return bytes_.empty();
}

void RawClient::finish() const { shutdown(fd_, SHUT_WR); }

}  // namespace dd::test
