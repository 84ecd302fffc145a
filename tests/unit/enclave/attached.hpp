// The other end of `attach`: a blocking socket that has the terminal's bytes behind its first line.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <string>
#include <string_view>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "libdd/protocol/attach_frames.hpp"
#include "tests/unit/enclave/running_enclave.hpp"

namespace dd::test {

class Attached {
 public:
  explicit Attached(RunningEnclave& enclave, Json request = Json::object(), std::string_view behind = {}) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    enclave.socket().string().copy(address.sun_path, sizeof address.sun_path - 1);
    REQUIRE(fd_ >= 0);
    REQUIRE(connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    const timeval patience{20, 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    request["method"] = "attach";
    request["token"] = enclave.token();
    send(request.dump() + "\n" + std::string(behind));
    std::string line;
    for (char c = 0; receive(&c, 1) == 1 && c != '\n';) line += c;
    answer = parse_json(line).value();
  }
  ~Attached() { close(); }
  Attached(const Attached&) = delete;
  Attached& operator=(const Attached&) = delete;

  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  void hang_up() { shutdown(fd_, SHUT_WR); }
  void send(std::string_view bytes) {
    REQUIRE(::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size()));
  }
  /// What can be sent without waiting.
  std::size_t send_some(std::string_view bytes) {
    const auto count = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    return count > 0 ? static_cast<std::size_t>(count) : 0;
  }
  /// Reads until `text` came; whether it did before the end.
  bool until(std::string_view text) {
    while (said.find(text) == std::string::npos)
      if (!more()) return false;
    return true;
  }
  /// Reads until so many bytes came; whether they did before the end.
  bool at_least(std::size_t size) {
    while (said.size() < size)
      if (!more()) return false;
    return true;
  }
  /// Everything up to the end.
  std::string rest() {
    while (more()) {
    }
    return said;
  }
  protocol::AttachFrame frame() {
    for (;;) {
      auto next = frames_.next();
      REQUIRE(next.has_value());
      if (*next) return **next;
      const auto before = said.size();
      REQUIRE(more());
      frames_.append(std::string_view(said).substr(before));
    }
  }
  /// Data frames until `text` came.
  void until_framed(std::string_view text) {
    std::string data;
    while (data.find(text) == std::string::npos) {
      const auto next = frame();
      REQUIRE(next.type == protocol::AttachFrame::Type::data);
      data += next.payload;
    }
  }
  /// Data frames until how it ended.
  protocol::CommandExit exit() {
    for (;;) {
      const auto next = frame();
      if (next.type == protocol::AttachFrame::Type::exit) return protocol::command_exit_from(next.payload).value();
    }
  }

  Json answer;
  std::string said;

 private:
  /// With a patience the kernel does not restart it after a signal (signal(7)).
  ssize_t receive(char* into, std::size_t size) const {
    for (;;) {
      const auto count = read(fd_, into, size);
      if (count >= 0 || errno != EINTR) return count;
    }
  }
  bool more() {
    char chunk[4096];
    const auto count = receive(chunk, sizeof chunk);
    if (count <= 0) return false;
    said.append(chunk, static_cast<std::size_t>(count));
    return true;
  }

  int fd_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  protocol::AttachFrameReader frames_;
};

}  // namespace dd::test
