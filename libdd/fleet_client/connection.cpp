#include "libdd/fleet_client/connection.hpp"

#include <utility>

#include <nlohmann/json.hpp>

#include "libdd/net/http_client.hpp"

namespace dd {
namespace {

// Evidence carries the whole event log: 4096 events, seldom over 1 KiB each.
constexpr std::size_t kMaxAnswerBytes = 32 * 1024 * 1024;

Result<net::Url> parse_origin(std::string_view text, std::string_view what) {
  auto url = net::parse_url(text);
  if (url && url->target == "/") return url;
  return fail(ErrorCode::invalid_argument, "cannot use " + std::string(what) + " \"" + std::string(text) +
                                               "\": want an origin like \"https://app.example.com\"");
}

std::uint16_t default_port(const net::Url& url) { return url.scheme == "https" ? 443 : 80; }

std::uint16_t own_port(const net::Url& url) { return url.port == default_port(url) ? std::uint16_t{0} : url.port; }

std::shared_ptr<HttpTransport> make_transport(const FleetClientOptions& options) {
  net::HttpClientOptions client;
  client.ca_file = options.ca_file;
  client.edge_url = options.edge_url;
  client.edge_domain = options.edge_domain;
  return net::make_http_transport(std::move(client));
}

}  // namespace

Result<FleetClient::Connection> FleetClient::Connection::open(FleetClientOptions options) {
  auto cp = parse_origin(options.cp_url, "control plane");
  if (!cp) return tl::unexpected(std::move(cp).error());
  Connection connection;
  connection.cp = *std::move(cp);
  connection.agent_port = own_port(connection.cp);
  if (!options.edge_url.empty()) {
    const auto edge = parse_origin(options.edge_url, "edge");
    if (!edge) return tl::unexpected(edge.error());
    if (connection.agent_port == 0) connection.agent_port = own_port(*edge);
  }
  connection.transport = options.transport ? std::move(options.transport) : make_transport(options);
  connection.credential = std::move(options.credential);
  connection.deadline = options.deadline;
  return connection;
}

HttpRequest FleetClient::Connection::to_cp(std::string method, std::string_view target) const {
  HttpRequest request;
  request.method = std::move(method);
  request.url = cp.origin() + std::string(target);
  request.deadline = deadline;
  return request;
}

Result<HttpRequest> FleetClient::Connection::to_agent(std::string method, std::string_view hostname,
                                                      std::string_view target) const {
  auto url = net::parse_url(cp.scheme + "://" + std::string(hostname));
  if (!url || url->host != hostname)
    return fail(ErrorCode::invalid_argument,
                "cannot call agent \"" + std::string(hostname) + "\": want a hostname in lower case");
  if (agent_port != 0) url->port = agent_port;
  HttpRequest request;
  request.method = std::move(method);
  request.url = url->origin() + std::string(target);
  request.deadline = deadline;
  return request;
}

Result<std::string> FleetClient::Connection::call(HttpRequest request, Identity identity) const {
  if (identity == Identity::owner) {
    if (credential.empty())
      return fail(ErrorCode::unauthenticated, "cannot call " + request.url + ": no credential was given");
    request.headers.set("Authorization", "Bearer " + std::string(credential.reveal()));
  }
  if (!request.body.empty()) request.headers.set("Content-Type", "application/json");
  request.max_response_bytes = kMaxAnswerBytes;
  auto response = net::send_blocking(*transport, std::move(request));
  if (!response) return tl::unexpected(std::move(response).error());
  if (response->status < 200 || response->status > 299) return tl::unexpected(net::error_from(*response));
  return std::move(response->body);
}

Result<Json> FleetClient::Connection::call_json(HttpRequest request, Identity identity) const {
  const auto body = call(std::move(request), identity);
  if (!body) return tl::unexpected(body.error());
  JsonLimits limits;
  limits.max_bytes = kMaxAnswerBytes;
  auto value = parse_json(*body, limits);
  if (!value) return bad_answer(std::move(value).error());
  return value;
}

tl::unexpected<Error> bad_answer(Error error) {
  error.code = ErrorCode::upstream;
  return wrap(std::move(error), "cannot use the fleet's answer");
}

}  // namespace dd
