// The connector's side of the reverse connections: one for control, a pool of idle ones, each serving one request.
#pragma once

#include <memory>

#include <boost/asio/ip/tcp.hpp>
#include <nlohmann/json_fwd.hpp>

#include "libdd/local/connector_options.hpp"
#include "libdd/net/task.hpp"

namespace dd::local {

/// Use on one io thread.
class ConnectorLink {
 public:
  ConnectorLink(asio::any_io_executor executor, RunToken token);
  ConnectorLink(const ConnectorLink&) = delete;
  ConnectorLink& operator=(const ConnectorLink&) = delete;
  ~ConnectorLink();

  /// Keeps the control connection and the pool up, until stop().
  void start();
  void stop();
  /// Data connections, busy ones too, while the control connection stands; 0 otherwise.
  [[nodiscard]] int ready_connections() const;
  [[nodiscard]] const std::string& id() const;
  /// What it routes by, as cloudflared shows it at `/config`; version -1 until it has got one.
  [[nodiscard]] nlohmann::json config() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace dd::local
