#include "libdd/local/connector.hpp"

#include <cstdio>

#include <boost/asio/signal_set.hpp>
#include <nlohmann/json.hpp>

#include "dd/config.hpp"
#include "dd/log.hpp"
#include "libdd/core/json.hpp"
#include "libdd/core/secret_file.hpp"
#include "libdd/local/connector_link.hpp"
#include "libdd/local/connector_options.hpp"
#include "libdd/net/http_server.hpp"
#include "libdd/net/loop.hpp"

namespace dd::local {
namespace {

constexpr int kFailed = 1;
constexpr int kUsage = 2;

int complain(const Error& error, int code) {
  std::fprintf(stderr, "%s\n", error.message.c_str());
  return code;
}

Result<RunToken> read_token(const ConnectorSettings& settings) {
  std::string file = settings.token_file;
  if (file.empty()) {
    Config config;
    config.text("TUNNEL_TOKEN_FILE", Trust::none, file, "file with the run token", Presence::required);
    if (auto loaded = config.load_environment(); !loaded) return tl::unexpected(loaded.error());
  }
  const auto text = read_secret_file(file);
  if (!text) return tl::unexpected(text.error());
  return parse_run_token(text->reveal());
}

/// As cloudflared does with `--output json`: whoever supervises it reads its errors.
void print_line(const log::Record& record) {
  Json line = {{"level", record.level == log::Level::error ? "error" : "info"}, {"message", record.message}};
  for (const auto& field : record.fields) line[std::string(field.name)] = field.value;
  std::fprintf(stderr, "%s\n", to_text(line).c_str());
}

net::Router metrics_routes(const ConnectorLink& link) {
  net::Router router;
  router.add("GET", "/ready", [&link](const net::ServerRequest&) -> net::Task<Result<net::ServerResponse>> {
    const int ready = link.ready_connections();
    const int status = ready > 0 ? 200 : 503;
    const Json body = {{"status", status}, {"readyConnections", ready}, {"connectorId", link.id()}};
    co_return net::json_response(to_text(body), status);
  });
  router.add("GET", "/config", [&link](const net::ServerRequest&) -> net::Task<Result<net::ServerResponse>> {
    co_return net::json_response(to_text(link.config()));
  });
  return router;
}

}  // namespace

int run_connector(const std::vector<std::string>& arguments) {
  const auto settings = parse_connector_arguments(arguments);
  if (!settings) return complain(settings.error(), kUsage);
  auto token = read_token(*settings);
  if (!token) return complain(token.error(), kFailed);
  log::set_sink(print_line);

  net::Loop io;
  ConnectorLink link(io.get_executor(), *std::move(token));
  net::HttpServerOptions listener;
  listener.address = settings->metrics_host;
  listener.port = settings->metrics_port;
  net::HttpServer metrics(io.get_executor(), metrics_routes(link), listener);
  if (const auto started = metrics.start(); !started) return complain(started.error(), kFailed);
  link.start();
  asio::signal_set signals(io, SIGTERM, SIGINT);
  signals.async_wait([&io](const boost::system::error_code& failed, int) {
    if (!failed) io.stop();
  });
  io.run();
  io.end_tasks();
  return 0;
}

}  // namespace dd::local
