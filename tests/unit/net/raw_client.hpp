// A client that sends exactly the bytes it is told, for tests of servers. Blocking, loopback only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace dd::test {

struct RawAnswer {
  int status = 0;
  std::string head;  // status line and headers
  std::string body;

  /// First value, or "" when there is none.
  [[nodiscard]] std::string header(std::string_view name) const;
};

class RawClient {
 public:
  explicit RawClient(std::uint16_t port);
  ~RawClient();
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  void send(std::string_view bytes) const;
  /// One answer; nullopt when the server closed instead. `head_only`: the answer to a HEAD.
  [[nodiscard]] std::optional<RawAnswer> answer(bool head_only = false);
  /// So many bytes, or fewer when the server closes.
  [[nodiscard]] std::string take(std::size_t count);
  /// Waits until the server closes, and says whether nothing more came.
  [[nodiscard]] bool closed();
  /// Ends our half of the connection.
  void finish() const;

 private:
  bool receive();

  int fd_ = -1;
  std::string bytes_;
};

}  // namespace dd::test
