// A server that answers with exactly the bytes it is told, for tests of clients. Loopback only.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace dd::test {

/// What a client sent: head and body of one request.
struct SeenRequest {
  std::string head;
  std::string body;
};

class ScriptedServer {
 public:
  enum class After { close, keep_open };

  /// Connection n is answered with answers[n] (the last one again and again), once per request.
  explicit ScriptedServer(std::vector<std::string> answers, After after = After::close);
  ~ScriptedServer();
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] std::string url(std::string_view path = "/") const {
    return "http://127.0.0.1:" + std::to_string(port_) + std::string(path);
  }
  [[nodiscard]] std::vector<SeenRequest> seen() const;
  [[nodiscard]] std::size_t connections() const noexcept { return connections_; }

 private:
  void run();
  void serve(int fd, const std::string& answer);

  std::vector<std::string> answers_;
  After after_;
  int listener_ = -1;
  int stop_[2] = {-1, -1};
  std::uint16_t port_ = 0;
  std::atomic<std::size_t> connections_ = 0;
  mutable std::mutex mutex_;
  std::vector<SeenRequest> seen_;
  std::vector<std::thread> serving_;
  std::thread thread_;
};

}  // namespace dd::test
