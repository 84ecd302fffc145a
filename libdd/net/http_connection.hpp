// One accepted connection of the HTTP server: reads requests, asks the router, answers, until it closes. Private to libdd/net.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>

#include <boost/asio/ip/tcp.hpp>

#include "libdd/net/client.hpp"
#include "libdd/net/http_answer.hpp"
#include "libdd/net/http_server.hpp"
#include "libdd/net/shares.hpp"

namespace dd::net {

class ServedWebSocket;

/// What a connection waits for; each has a deadline of its own.
enum class Phase { idle, header, work, body, write, linger, talk };

/// Who is at the other end, and the share that this connection is of.
struct Accepted {
  TcpPeer peer;
  std::optional<Shares::Share> share;
};

/// Lives on the server's thread, owned by the coroutine that awaits run(). It has no timers: the server sweeps over all connections and calls expire(),
/// which costs nothing per request.
class HttpConnection : public std::enable_shared_from_this<HttpConnection> {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  HttpConnection(asio::ip::tcp::socket socket, Accepted accepted, const Router& router,
                 const HttpServerOptions& options, Shares& public_bodies);
  HttpConnection(const HttpConnection&) = delete;
  HttpConnection& operator=(const HttpConnection&) = delete;
  ~HttpConnection();

  /// Until the connection is closed.
  Task<void> run();
  /// Answers 503 and closes: the server is full.
  Task<void> refuse();

  /// Acts on an overrun deadline: what waits for the peer ends, a handler is answered for with 504.
  void expire(TimePoint now);
  /// No request after the one that runs; closes at once when none does.
  void finish();
  void close();

 private:
  struct Exchange;

  void enter(Phase phase, std::chrono::milliseconds deadline);
  Task<bool> serve_one();
  Task<bool> read_header(Exchange& exchange);
  /// Shape, route, authentication and size, in this order and before any byte of the body; the answer when one of them says no.
  Task<std::optional<ServerResponse>> admit(Exchange& exchange);
  Task<bool> read_body(Exchange& exchange);
  Task<ServerResponse> handle(Exchange& exchange);
  static Task<void> watch_caller(std::shared_ptr<HttpConnection> self, std::stop_source left);
  /// Hands the connection over to the route's WebSocket handler until that is done.
  Task<bool> converse(Exchange& exchange);
  Task<bool> answer(Exchange& exchange, ServerResponse response);
  /// As the listener spells errors; `status` as for error_answer.
  [[nodiscard]] ServerResponse answer_to(const Error& error, int status = 0) const;
  /// The same for a request that was read, and in the log when the fault is ours.
  [[nodiscard]] ServerResponse refusal(const Error& error, const ServerRequest& request) const;
  /// For a request that cannot be read to its end: the connection is closed behind the answer. Whoever sends too many cookies is told to forget them: else
  /// he could not come back.
  Task<void> give_up(Error error, int status, bool forget_cookies = false);
  /// Static with the owner as a parameter: nobody else holds the connection until the coroutine starts.
  static Task<void> answer_late(std::shared_ptr<HttpConnection> self, ServerResponse response);
  Task<bool> write(std::string head, std::string body);
  /// Lets the peer read the answer: closing with its bytes unread would reset the connection under it.
  Task<void> linger();

  struct Buffer;
  asio::ip::tcp::socket socket_;
  const Accepted accepted_;
  const Router& router_;
  const HttpServerOptions& options_;
  Shares& public_bodies_;
  std::unique_ptr<Buffer> buffer_;
  std::shared_ptr<ServedWebSocket> web_socket_;  // has the socket then
  std::string request_id_;
  std::stop_source left_{std::nostopstate};  // of the handler that runs, where its route wants to know
  TimePoint deadline_;
  Phase phase_ = Phase::header;
  bool fresh_ = true;  // no request was read yet
  bool expired_ = false;  // the deadline of the current phase ran out
  bool abandoned_ = false;  // answer_late() owns the socket: what the handler still says comes too late
  bool finishing_ = false;
};

}  // namespace dd::net
