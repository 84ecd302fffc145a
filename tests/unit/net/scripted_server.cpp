#include "tests/unit/net/scripted_server.hpp"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <optional>
#include <stdexcept>

#include "libdd/net/ascii.hpp"

namespace dd::test {
namespace {

std::size_t content_length(const std::string& head) {
  const auto lower = net::to_lower(head);
  const auto at = lower.find("\r\ncontent-length:");
  return at == std::string::npos ? 0 : std::stoul(head.substr(at + 17));
}

/// False at the end of the connection or when the server stops.
bool receive(int fd, int stop, std::string& bytes) {
  std::array<pollfd, 2> either = {pollfd{fd, POLLIN, 0}, pollfd{stop, POLLIN, 0}};
  if (poll(either.data(), either.size(), -1) < 0 || either[1].revents != 0) return false;
  std::array<char, 8192> chunk;
  const auto count = recv(fd, chunk.data(), chunk.size(), 0);
  if (count > 0) bytes.append(chunk.data(), static_cast<std::size_t>(count));
  return count > 0;
}

std::optional<SeenRequest> read_request(int fd, int stop, std::string& bytes) {
  std::size_t end = 0;
  while ((end = bytes.find("\r\n\r\n")) == std::string::npos)
    if (!receive(fd, stop, bytes)) return std::nullopt;
  SeenRequest request{bytes.substr(0, end + 2), {}};
  bytes.erase(0, end + 4);
  const auto size = content_length(request.head);
  while (bytes.size() < size)
    if (!receive(fd, stop, bytes)) return std::nullopt;
  request.body = bytes.substr(0, size);
  bytes.erase(0, size);
  return request;
}

}  // namespace

ScriptedServer::ScriptedServer(std::vector<std::string> answers, After after)
    : answers_(std::move(answers)), after_(after), listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (bind(listener_, reinterpret_cast<const sockaddr*>(&address), size) != 0 || listen(listener_, 64) != 0 ||
      pipe(stop_) != 0 || getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0)
    throw std::runtime_error("cannot listen for the client under test");
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { run(); });
}

ScriptedServer::~ScriptedServer() {
  close(stop_[1]);  // everyone polls the other end
  thread_.join();
  for (auto& thread : serving_) thread.join();
  close(stop_[0]);
  close(listener_);
}

std::vector<SeenRequest> ScriptedServer::seen() const {
  const std::lock_guard lock(mutex_);
  return seen_;
}

void ScriptedServer::run() {
  for (;;) {
    std::array<pollfd, 2> either = {pollfd{listener_, POLLIN, 0}, pollfd{stop_[0], POLLIN, 0}};
    if (poll(either.data(), either.size(), -1) < 0 || either[1].revents != 0) return;
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) continue;
    const auto& answer = answers_[std::min<std::size_t>(connections_++, answers_.size() - 1)];
    serving_.emplace_back([this, fd, &answer] { serve(fd, answer); });
  }
}

void ScriptedServer::serve(int fd, const std::string& answer) {
  std::string bytes;
  while (auto request = read_request(fd, stop_[0], bytes)) {
    {
      const std::lock_guard lock(mutex_);
      seen_.push_back(*std::move(request));
    }
    if (send(fd, answer.data(), answer.size(), MSG_NOSIGNAL) < 0 || after_ == After::close) break;
  }
  close(fd);
}

}  // namespace dd::test
