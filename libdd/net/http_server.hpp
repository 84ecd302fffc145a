// The HTTP server: routes, limits, deadlines, authentication before the body, uniform JSON errors, graceful stop.
// Boost.Beast stays inside http_connection.cpp and web_socket_over.hpp.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "dd/error.hpp"
#include "dd/http.hpp"
#include "libdd/net/task.hpp"
#include "libdd/net/web_socket.hpp"

namespace dd::net {

/// What a handler sees of a request. Owned by the connection for the handler's whole run.
struct ServerRequest {
  std::string method;
  std::string target;  // path with query, as received
  std::string path;    // percent-decoded, without query
  std::vector<std::pair<std::string, std::string>> query;
  std::vector<std::string> params;  // of the route's {placeholders}, in order
  HttpHeaders headers;
  std::string body;
  std::string request_id;
  std::string principal;  // what the route's `authenticate` returned
  /// Who asks, to share out by what is scarce (libdd/net/client.hpp); proves nothing.
  std::string client;
  /// Stopped when nobody waits for the answer any more: the caller closed the connection, the handler overran its deadline, or the server ends.
  /// Only where the route asks for it.
  std::stop_token caller_left;

  [[nodiscard]] std::optional<std::string> query_value(std::string_view name) const;
};

struct ServerResponse {
  int status = 200;
  std::string content_type = "application/json";
  HttpHeaders headers;
  std::string body;
};

using Handler = std::function<Task<Result<ServerResponse>>(const ServerRequest&)>;
/// Runs after the headers and before the body; `body` is empty then. The value becomes `principal`.
using Authenticate = std::function<Task<Result<std::string>>(const ServerRequest&)>;
/// The connection is closed, in order, when it returns.
using WebSocketHandler = std::function<Task<void>(std::shared_ptr<WebSocket>, const ServerRequest&)>;

struct RouteOptions {
  std::size_t max_body = 64 * 1024;  // of a WebSocket: its largest message
  std::chrono::milliseconds handler_deadline{60'000};
  Authenticate authenticate = {};  // none: public
  /// Look at the connection while the handler runs. A caller that only ends its own direction counts as gone, as with other servers; one that sends
  /// more requests ahead of the answer is not seen to go.
  bool watch_caller = false;
};

/// Method and path pattern → handler. "/logs/{app}": a placeholder takes one whole segment; a literal goes before it. GET also serves HEAD.
/// Fill it before the server starts.
class Router {
 public:
  void add(std::string method, std::string pattern, Handler handler, RouteOptions options = {});

  /// A GET that becomes a WebSocket. Before `authenticate`: the request must ask for one, and an Origin, which every browser sends, must be
  /// this host's own. No deadline holds behind the handshake but that of pings.
  void add_web_socket(std::string pattern, WebSocketHandler talk, RouteOptions options = {});

  struct Route {
    std::string method;
    std::vector<std::string> segments;
    Handler handler;
    RouteOptions options;
    WebSocketHandler talk = {};  // in place of `handler`
  };
  struct Match {
    const Route* route = nullptr;
    std::vector<std::string> params;
    std::string allow;  // methods of the path when only the method was wrong
  };
  /// `path` is decoded (Target::path).
  [[nodiscard]] Match match(std::string_view method, std::string_view path) const;
  [[nodiscard]] const std::vector<Route>& routes() const noexcept { return routes_; }

 private:
  std::vector<Route> routes_;
};

/// As many as fit: Boost.Beast throws, where nobody can catch it, at a field of 64 KiB.
inline constexpr std::size_t kMostCookieBytes = 47 * 1024;

/// An Error as an answer of another shape than ours.
using RenderError = std::function<ServerResponse(const Error&)>;

struct HttpServerOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;  // 0: any free one, see HttpServer::port()
  /// Descriptors of TCP sockets that listen, in place of address and port. They become the server's.
  std::vector<int> listen_fds = {};
  std::size_t max_connections = 1024;
  /// Of these, for processes of this machine that do not run as we do: of each uid, and of all together. The rest is the connector's.
  std::size_t max_connections_per_uid = 64;
  std::size_t max_connections_of_others = 256;
  /// Bodies that are being read for nobody known, where the route has no `authenticate`: of each client, and of all together.
  std::size_t max_public_bodies_per_client = 8;
  std::size_t max_public_bodies = 128;
  std::size_t max_header_bytes = 16 * 1024;
  /// So many bytes more for Cookie headers: what other hosts of our domain have set there must not cost us the request. A browser that sends more is
  /// told to forget all cookies of the domain. Both limits together are below 64 KiB.
  std::size_t max_cookie_bytes = 0;
  std::chrono::milliseconds header_deadline{10'000};
  std::chrono::milliseconds body_deadline{30'000};
  std::chrono::milliseconds idle_deadline{60'000};
  std::chrono::milliseconds write_deadline{30'000};
  std::chrono::milliseconds ping_interval{30'000};  // an edge drops a WebSocket that is silent for longer
  RenderError render_error = {};  // none: docs/wire.md, 2
};

/// Serves HTTP/1.1 until stopped. Construct, start, stop and destroy on the io thread (or before it runs), and before its io_context goes;
/// handlers run there. Per request: headers, route, `authenticate`, size, body, handler; a request refused at one step never gets to the next,
/// and a body that was not read closes the connection. Who has his share of connections already is told
/// 503, of bodies 429. Deadlines hold to within a quarter of the shortest, at most 250 ms. A handler that overruns
/// its deadline is answered for (504) but not interrupted: Boost 1.74 cannot cancel a coroutine.
class HttpServer {
 public:
  HttpServer(asio::any_io_executor executor, Router router, HttpServerOptions options);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  /// Binds and listens. Errors: unavailable with the address when it cannot, invalid_argument for a descriptor that is no socket that listens.
  [[nodiscard]] Result<void> start();
  [[nodiscard]] std::uint16_t port() const noexcept;
  /// Closes the listener and idle connections at once, tells the peers of WebSockets that it goes away, lets running requests finish for
  /// `grace`, then closes them. A handler that is still suspended then keeps its request and ends later, without an answer.
  Task<void> stop(std::chrono::milliseconds grace);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

/// 200 with a JSON text.
[[nodiscard]] ServerResponse json_response(std::string body, int status = 200);

}  // namespace dd::net
