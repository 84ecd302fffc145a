#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <unordered_set>

#include "dd/log.hpp"
#include "libdd/net/byte_connection.hpp"
#include "libdd/net/error_body.hpp"
#include "libdd/net/into.hpp"
#include "libdd/net/line_socket.hpp"
#include "libdd/net/line_stream.hpp"
#include "libdd/net/listen.hpp"

namespace dd::net {
namespace {

using asio::local::stream_protocol;
using boost::system::error_code;

/// For a peer that does not read its answer.
constexpr std::chrono::seconds kWriteDeadline{30};
constexpr std::size_t kMaxPath = sizeof(sockaddr_un::sun_path) - 1;

Peer peer_of(LineStream::Socket& socket, std::stop_token gone) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  // Nobody when the kernel does not say: uid -1 is no one's.
  if (getsockopt(socket.native_handle(), SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0)
    return {0, static_cast<uid_t>(-1), static_cast<gid_t>(-1), std::move(gone)};
  return {credentials.pid, credentials.uid, credentials.gid, std::move(gone)};
}

// As long as the connection is open.
Task<void> watch_peer(std::shared_ptr<LineStream> stream, std::stop_source gone) {
  const bool left = co_await stream->hung_up();
  if (left) gone.request_stop();
}

Task<LineReply> guarded_reply(const ReplyHandler& handler, std::string line, Peer peer) {
  std::string what;
  try {
    auto task = handler(std::move(line), peer);
    auto reply = co_await std::move(task);
    co_return reply;
  } catch (const std::exception& e) {
    what = e.what();
  }
  log::error("line handler threw", {{"error", what}});
  LineReply failed;
  failed.line = line_error({ErrorCode::internal, "cannot answer: internal error", {}, {}});
  co_return failed;
}

Task<LineReply> reply_of(const LineHandler& handler, std::string line, Peer peer) {
  LineReply reply;
  auto task = handler(std::move(line), peer);
  reply.line = co_await std::move(task);
  co_return reply;
}

// Whoever calls it keeps it alive until the answer is there.
ReplyHandler replies_of(LineHandler handler) {
  return
      [handler = std::move(handler)](std::string line, Peer peer) { return reply_of(handler, std::move(line), peer); };
}

Task<void> serve_stream(std::shared_ptr<LineStream> stream, ReplyHandler handler) {
  const std::stop_source gone;
  const auto peer = peer_of(stream->socket(), gone.get_token());
  const auto executor = co_await this_executor();
  spawn(executor, watch_peer(stream, gone), "peer of a unix socket");
  for (;;) {
    auto line = co_await stream->read();
    const bool last = !line;
    if (!line && line.error().code != ErrorCode::too_large) break;
    LineReply reply;
    if (line)
      reply = co_await guarded_reply(handler, std::move(*line), peer);
    else
      reply.line = line_error(line.error());
    stream->expire_at(std::chrono::steady_clock::now() + kWriteDeadline);
    const auto written = co_await stream->write(std::move(reply.line));
    stream->disarm();
    // Also when the answer did not arrive: what it stands for has begun and must be ended.
    if (reply.take_over) {
      auto rest = reply.take_over(std::make_shared<ByteConnection>(stream));
      co_await std::move(rest);
      break;
    }
    if (!written || last) break;
  }
  stream->close();
}

Error cannot_listen(const std::filesystem::path& path, ErrorCode code, const std::string& why) {
  return {code, "cannot listen on " + path.string() + ": " + why, {}, {}};
}

/// Makes way: a socket that nobody listens on any more is removed, everything else stays.
Result<void> clear_stale(const std::filesystem::path& path, asio::any_io_executor executor) {
  struct stat info{};
  if (lstat(path.c_str(), &info) != 0) return {};
  if (!S_ISSOCK(info.st_mode))
    return tl::unexpected(cannot_listen(path, ErrorCode::conflict, "a file that is no socket is there"));
  stream_protocol::socket probe(executor);
  error_code ec;
  probe.connect(stream_protocol::endpoint(path.string()), ec);
  if (ec != asio::error::connection_refused)
    return tl::unexpected(cannot_listen(path, ErrorCode::conflict, "another process serves it"));
  if (unlink(path.c_str()) != 0)
    return tl::unexpected(cannot_listen(path, ErrorCode::unavailable, std::generic_category().message(errno)));
  return {};
}

/// The socket file never has more permissions than `mode`, not even between bind and chmod.
void bind_private(stream_protocol::acceptor& acceptor, const LineServerOptions& options, error_code& ec) {
  const bool own_group = options.group == static_cast<gid_t>(-1);
  // With another group its bits come only after the chown: before it they would be our own group's.
  const auto before = umask(static_cast<mode_t>(~(own_group ? options.mode : options.mode & 0700)) & 0777);
  acceptor.bind(stream_protocol::endpoint(options.path.string()), ec);
  umask(before);
  if (ec || own_group) return;
  if (chown(options.path.c_str(), static_cast<uid_t>(-1), options.group) != 0 ||
      chmod(options.path.c_str(), options.mode) != 0)
    ec.assign(errno, boost::system::generic_category());
}

}  // namespace

struct LineServer::Impl : std::enable_shared_from_this<Impl> {
  Impl(asio::any_io_executor e, ReplyHandler h, LineServerOptions o)
      : executor(std::move(e)), handler(std::move(h)), options(std::move(o)), acceptor(executor) {}

  void stop() {
    if (!acceptor.is_open()) return;
    error_code ignored;
    acceptor.close(ignored);
    for (auto* stream : streams) stream->close();
    // Only our own file: a successor may have replaced it.
    struct stat info{};
    if (lstat(options.path.c_str(), &info) == 0 && info.st_ino == inode) unlink(options.path.c_str());
  }

  static Task<void> accept_until_closed(std::shared_ptr<Impl> self);
  static Task<void> serve(std::shared_ptr<Impl> self, std::shared_ptr<LineStream> stream);

  asio::any_io_executor executor;
  ReplyHandler handler;
  LineServerOptions options;
  stream_protocol::acceptor acceptor;
  std::unordered_set<LineStream*> streams;
  ino_t inode = 0;
};

Task<void> LineServer::Impl::serve(std::shared_ptr<Impl> self, std::shared_ptr<LineStream> stream) {
  struct Enrolled {
    Impl& impl;
    LineStream* stream;
    Enrolled(Impl& i, LineStream* s) : impl(i), stream(s) {}
    Enrolled(const Enrolled&) = delete;
    Enrolled& operator=(const Enrolled&) = delete;
    ~Enrolled() { impl.streams.erase(stream); }
  };
  const Enrolled enrolled{*self, stream.get()};
  co_await serve_stream(stream, self->handler);
}

Task<void> LineServer::Impl::accept_until_closed(std::shared_ptr<Impl> self) {
  while (self->acceptor.is_open()) {
    stream_protocol::socket socket(self->executor);
    error_code ec;
    co_await self->acceptor.async_accept(socket, into(ec));
    if (ec == asio::error::operation_aborted) continue;
    if (ec) {
      log::warning("cannot accept on unix socket", {{"path", self->options.path.string()}, {"error", ec.message()}});
      co_await sleep_for(kAcceptPause);
      continue;
    }
    if (self->streams.size() >= self->options.max_connections) continue;  // closed: the peer sees the end at once
    auto stream = std::make_shared<LineStream>(std::move(socket), self->options.max_line);
    self->streams.insert(stream.get());
    spawn(self->executor, serve(self, std::move(stream)), "unix socket connection");
  }
}

LineServer::LineServer(asio::any_io_executor executor, LineHandler handler, LineServerOptions options)
    : LineServer(std::move(executor), replies_of(std::move(handler)), std::move(options)) {}

LineServer::LineServer(asio::any_io_executor executor, ReplyHandler handler, LineServerOptions options)
    : impl_(std::make_shared<Impl>(std::move(executor), std::move(handler), std::move(options))) {}

LineServer::~LineServer() { stop(); }
void LineServer::stop() { impl_->stop(); }

Result<void> LineServer::start() {
  const auto& path = impl_->options.path;
  if (path.empty() || path.string().size() > kMaxPath)
    return tl::unexpected(
        cannot_listen(path, ErrorCode::invalid_argument, "want a path of 1.." + std::to_string(kMaxPath) + " bytes"));
  if (auto cleared = clear_stale(path, impl_->executor); !cleared) return cleared;
  error_code ec;
  error_code ignored;
  impl_->acceptor.open(stream_protocol(), ec);
  if (!ec) bind_private(impl_->acceptor, impl_->options, ec);
  struct stat info{};
  if (!ec && lstat(path.c_str(), &info) == 0) impl_->inode = info.st_ino;
  if (!ec) impl_->acceptor.listen(asio::socket_base::max_listen_connections, ec);
  if (ec) {
    impl_->acceptor.close(ignored);
    return tl::unexpected(cannot_listen(path, ErrorCode::unavailable, ec.message()));
  }
  spawn(impl_->executor, Impl::accept_until_closed(impl_), "unix socket accept");
  return {};
}

Task<void> serve_lines(int fd, LineHandler handler, std::size_t max_line) {
  auto executor = co_await this_executor();
  auto socket = adopt_socket(executor, fd);
  if (!socket) {
    log::error("cannot serve lines", {{"error", socket.error().message}});
    co_return;
  }
  auto stream = std::make_shared<LineStream>(std::move(*socket), max_line);
  auto replies = replies_of(std::move(handler));
  co_await serve_stream(std::move(stream), std::move(replies));
}

}  // namespace dd::net
