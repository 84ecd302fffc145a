// JSON lines over unix sockets: the enclave's workload socket and its capability sockets (docs/wire.md, 8 and 9).
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>

#include "dd/error.hpp"
#include "libdd/net/task.hpp"

namespace dd::net {

/// Who is at the other end of a unix socket (SO_PEERCRED), as of connect.
struct Peer {
  pid_t pid = 0;
  uid_t uid = 0;
  gid_t gid = 0;
  /// Stopped when it has closed the connection; one that only sends no more waits for its answers.
  std::stop_token gone = {};
};

struct LineServerOptions {
  std::filesystem::path path;
  mode_t mode = 0600;   // set by umask before bind: no window
  gid_t group = static_cast<gid_t>(-1);  // -1: the process's own
  std::size_t max_line = 1024 * 1024;
  std::size_t max_connections = 128;
};

/// One request line in, one answer line out (without the newline), strictly in order per connection.
using LineHandler = std::function<Task<std::string>(std::string line, Peer peer)>;

class ByteConnection;

/// With `take_over` the answer is the connection's last line; what follows is for that function as long as it runs.
struct LineReply {
  // Not an aggregate: g++ 12 would destroy one that a co_await yields twice (docs/adr/0002).
  LineReply() {}

  std::string line;
  std::function<Task<void>(std::shared_ptr<ByteConnection> connection)> take_over = {};
};
using ReplyHandler = std::function<Task<LineReply>(std::string line, Peer peer)>;

/// Serves a listening unix socket. A stale socket file is replaced, a live one is a conflict. accept errors are retried.
class LineServer {
 public:
  LineServer(asio::any_io_executor executor, LineHandler handler, LineServerOptions options);
  LineServer(asio::any_io_executor executor, ReplyHandler handler, LineServerOptions options);
  LineServer(const LineServer&) = delete;
  LineServer& operator=(const LineServer&) = delete;
  ~LineServer();
  [[nodiscard]] Result<void> start();
  void stop();

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

/// Serves one already connected socket until it closes. Takes ownership of `fd`.
Task<void> serve_lines(int fd, LineHandler handler, std::size_t max_line);

struct OpenedConnection {
  std::string answer;
  std::shared_ptr<ByteConnection> connection;
};
/// One call over a connection of its own, which afterwards carries bytes if the answer says so. It is closed when `given_up` is stopped before the
/// answer is there. Errors: as LineClient::call().
Task<Result<OpenedConnection>> open_connection(std::filesystem::path path, std::string line,
                                               std::chrono::milliseconds deadline, std::stop_token given_up);
/// The same for one that waits for the answer in any case.
Task<Result<OpenedConnection>> open_connection(std::filesystem::path path, std::string line,
                                               std::chrono::milliseconds deadline);

/// Calls over one connection, strictly in order; concurrent callers queue. Reconnects to `path` on the next call after a failure.
class LineClient {
 public:
  /// What is read from a server of ours: its answers are larger than requests (log lines, output of commands).
  static constexpr std::size_t kMaxAnswer = 16 * 1024 * 1024;

  LineClient(asio::any_io_executor executor, std::filesystem::path path);
  /// Over an inherited, connected socket; takes ownership of `fd`. It cannot reconnect.
  LineClient(asio::any_io_executor executor, int fd);
  LineClient(const LineClient&) = delete;
  LineClient& operator=(const LineClient&) = delete;
  ~LineClient();

  /// Errors: unavailable when the peer is not there or closes, deadline_exceeded, too_large.
  Task<Result<std::string>> call(std::string line, std::chrono::milliseconds deadline);
  void close();

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace dd::net
