// An HttpServer on loopback for the life of a test.
#pragma once

#include <memory>
#include <stdexcept>

#include "libdd/net/http_server.hpp"
#include "tests/unit/net/io_thread.hpp"

namespace dd::test {

class Served {
 public:
  explicit Served(net::Router router, net::HttpServerOptions options = {}) {
    io.run([&] {
      server = std::make_unique<net::HttpServer>(io.executor(), std::move(router), std::move(options));
      if (auto started = server->start(); !started) throw std::runtime_error(started.error().message);
    });
  }
  ~Served() {
    stop(std::chrono::milliseconds(0));
    io.run([&] { server.reset(); });
  }
  Served(const Served&) = delete;
  Served& operator=(const Served&) = delete;

  [[nodiscard]] std::uint16_t port() const { return server->port(); }
  void stop(std::chrono::milliseconds grace) {
    io.await([&] { return server->stop(grace); });
  }

  IoThread io;
  std::unique_ptr<net::HttpServer> server;
};

/// A handler that answers with the same text each time.
[[nodiscard]] inline net::Handler answers(std::string body) {
  return [body = std::move(body)](const net::ServerRequest&) -> net::Task<Result<net::ServerResponse>> {
    co_return net::json_response(body);
  };
}

}  // namespace dd::test
