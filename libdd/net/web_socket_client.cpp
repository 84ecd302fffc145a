#include "libdd/net/web_socket_client.hpp"

#include <openssl/ssl.h>
#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/websocket/ssl.hpp>

#include "libdd/net/edge_route.hpp"
#include "libdd/net/trust_store.hpp"
#include "libdd/net/web_socket_over.hpp"

namespace dd::net {
namespace {

namespace ssl = asio::ssl;
namespace websocket = boost::beast::websocket;
using asio::ip::tcp;
using boost::system::error_code;

/// Who is meant, and who is dialled.
struct Way {
  // Not an aggregate: docs/adr/0002.
  Way(Url meant, Url dialled) : url(std::move(meant)), peer(std::move(dialled)) {}

  Url url;
  Url peer;
};

Result<Way> way_to(const HttpClientOptions& options, const std::string& text) {
  auto url = parse_url(text);
  if (!url) return tl::unexpected(std::move(url).error());
  EdgeRoute route;
  route.domain = options.edge_domain;
  if (!options.edge_url.empty()) {
    auto edge = parse_url(options.edge_url);
    if (!edge) return tl::unexpected(std::move(edge).error());
    route.edge = *std::move(edge);
  }
  auto peer = parse_url(route.connect_to(*url));
  if (!peer) return tl::unexpected(std::move(peer).error());
  return Way(*std::move(url), *std::move(peer));
}

std::string without_brackets(const std::string& host) {
  return host.starts_with('[') ? host.substr(1, host.size() - 2) : host;
}

/// An ordinary answer as the other client would give it.
Error declined(const websocket::response_type& answer) {
  HttpResponse response;
  response.status = static_cast<int>(answer.result_int());
  response.body = answer.body();
  return error_from(response);
}

/// `Next` is the stream below.
template <class Next>
class Client final : public WebSocketOver<Next, WebSocket> {
 public:
  using WebSocketOver<Next, WebSocket>::WebSocketOver;

  Task<Result<void>> open(Way way, std::chrono::milliseconds deadline) {
    const auto self = this->shared_from_this();
    auto late = std::make_shared<bool>(false);
    asio::steady_timer timer(this->stream().get_executor(), deadline);
    timer.async_wait([self, late](const error_code& cancelled) {
      if (cancelled) return;
      *late = true;
      self->abort();
    });
    auto outcome = co_await shake_hands(std::move(way));
    if (*late) co_return fail(ErrorCode::deadline_exceeded, "cannot open a WebSocket: no answer in time");
    co_return outcome;
  }

  /// Only this host's certificate, issued by whom the context trusts, is taken.
  [[nodiscard]] bool expect(const std::string& host) {
    auto* tls = this->stream().next_layer().native_handle();
    SSL_set_verify(tls, SSL_VERIFY_PEER, nullptr);
    return SSL_set1_host(tls, host.c_str()) == 1 && SSL_set_tlsext_host_name(tls, host.c_str()) == 1;
  }

 private:
  static constexpr bool kTls = !std::is_same_v<Next, tcp::socket>;

  Task<Result<void>> shake_hands(Way way) {
    error_code failed;
    const auto host = without_brackets(way.peer.host);
    const auto port = std::to_string(way.peer.port);
    tcp::resolver resolver(this->stream().get_executor());
    const auto endpoints = co_await resolver.async_resolve(host, port, into(failed));
    if (!failed) co_await asio::async_connect(boost::beast::get_lowest_layer(this->stream()), endpoints, into(failed));
    if constexpr (kTls) {
      if (!failed) co_await this->stream().next_layer().async_handshake(ssl::stream_base::client, into(failed));
    }
    if (failed) co_return fail(ErrorCode::unavailable, "cannot reach " + way.peer.origin() + ": " + failed.message());
    websocket::response_type answer;
    const auto authority = way.url.authority();
    co_await this->stream().async_handshake(answer, authority, way.url.target, into(failed));
    if (failed == websocket::error::upgrade_declined) co_return tl::unexpected(declined(answer));
    if (failed)
      co_return fail(ErrorCode::unavailable,
                     "cannot open a WebSocket at " + way.url.origin() + ": " + failed.message());
    co_return Result<void>();
  }
};

using PlainClient = Client<tcp::socket>;
using TlsClient = Client<ssl::stream<tcp::socket>>;

/// The stream keeps what it needs of the context.
Result<std::shared_ptr<TlsClient>> tls_client(const WebSocketCall& call, const Url& peer,
                                              const std::filesystem::path& ca_file,
                                              const asio::any_io_executor& executor) {
  const auto trusted = ca_file.empty() ? system_trust_store() : trust_store_from(ca_file);
  if (!trusted) return tl::unexpected(trusted.error());
  ssl::context context(ssl::context::tls_client);
  SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_2_VERSION);
  SSL_CTX_set1_cert_store(context.native_handle(), trusted->get());
  auto client = std::make_shared<TlsClient>(call.max_message, call.ping_interval, executor, context);
  if (!client->expect(peer.host)) return fail(ErrorCode::internal, "cannot check the certificate of " + peer.origin());
  return client;
}

}  // namespace

Task<Result<std::shared_ptr<WebSocket>>> open_web_socket(HttpClientOptions options, WebSocketCall call) {
  auto way = way_to(options, call.url);
  if (!way) co_return tl::unexpected(std::move(way).error());
  const auto executor = co_await this_executor();
  if (way->peer.scheme == "https") {
    const auto client = tls_client(call, way->peer, options.ca_file, executor);
    if (!client) co_return tl::unexpected(client.error());
    const auto opened = co_await (*client)->open(*std::move(way), call.deadline);
    if (!opened) co_return tl::unexpected(opened.error());
    co_return *client;
  }
  const auto client = std::make_shared<PlainClient>(call.max_message, call.ping_interval, executor);
  const auto opened = co_await client->open(*std::move(way), call.deadline);
  if (!opened) co_return tl::unexpected(opened.error());
  co_return client;
}

}  // namespace dd::net
