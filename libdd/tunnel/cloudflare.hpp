// Cloudflare's REST API: tunnels, their ingress and DNS records. Envelope and `success` checked, every list paged, 429 and 5xx backed off.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dd/http.hpp"
#include "dd/secret.hpp"
#include "dd/tunnel.hpp"
#include "libdd/net/backoff.hpp"
#include "libdd/net/task.hpp"
#include "libdd/tunnel/cloudflare_pacing.hpp"

namespace dd::tunnel {

struct CloudflareOptions {
  std::string api_url = "https://api.cloudflare.com/client/v4";
  Secret api_token;
  std::string account_id;  // 32 hex digits
  std::string zone_id;  // 32 hex digits
  std::string other_domain;  // hosts below it have their records in a zone of its own; may be empty, as the next
  std::string other_zone_id;  // 32 hex digits
  std::string env;
  std::chrono::milliseconds deadline{20'000};  // of each call below, retries included
  std::chrono::milliseconds attempt_deadline{
      8'000};  // of one HTTP exchange; leaves time to look what became of a create
  double calls_per_second = 3;  // Cloudflare allows 1,200 in 5 minutes, over all of a user's tokens
  double burst = 60;
  net::BackoffOptions backoff;
  std::chrono::seconds paused_for{0};  // from now on, by what Cloudflare told an earlier process
  std::function<void(std::chrono::seconds)> on_paused = {};  // Cloudflare wants no call for so long
};

struct Tunnel {
  std::string id;
  std::string name;
  std::string status;
  std::string created_at;
};

struct DnsRecord {
  std::string id;
  std::string name;
  std::string content;
  std::string comment;
};

/// Of a tunnel's configuration; connectors say which one they run.
using ConfigVersion = std::optional<std::int64_t>;

/// Whether `name` is `domain` or lies below it.
[[nodiscard]] bool is_below(std::string_view name, std::string_view domain);

/// Where a tunnel's records point.
[[nodiscard]] std::string target_of(std::string_view tunnel_id);

/// Abstract so that tests and embedders can replace it. Use on one io thread. Calls about the ingress of one tunnel run one after the other, and so
/// do those about its DNS records: a repeated PUT must not overtake a newer one. Errors: rate_limited, unavailable and deadline_exceeded are worth another try later; unauthenticated and
/// permission_denied are the API token's; upstream is an answer that makes no sense or a refusal that another try does not change.
class TunnelProvider {
 public:
  virtual ~TunnelProvider() = default;
  /// Creates, or adopts a live tunnel of exactly this name (a create whose answer was lost).
  virtual net::Task<Result<Tunnel>> ensure(std::string name) = 0;
  virtual net::Task<Result<Secret>> run_token(std::string tunnel_id) = 0;
  /// Whole-document replacement; the catch-all 404 is added. The version that it has then, which grows with each change; none where that was not said.
  virtual net::Task<Result<ConfigVersion>> put_ingress(std::string tunnel_id, std::vector<IngressRule> rules) = 0;
  /// CNAMEs of these hosts to the tunnel with our comment. A record that is not ours is a conflict. Its other records stay, and are returned.
  virtual net::Task<Result<std::vector<DnsRecord>>> put_dns(std::string tunnel_id, std::string tunnel_name,
                                                            std::vector<std::string> hostnames) = 0;
  /// Of what put_dns() returned.
  virtual net::Task<Result<void>> remove_dns(std::string tunnel_id, std::vector<DnsRecord> records) = 0;
  /// DNS records by content, connections, then the tunnel; only if its name is exactly `name`. Gone already is success.
  virtual net::Task<Result<void>> remove(std::string tunnel_id, std::string name) = 0;
  virtual net::Task<Result<std::optional<Tunnel>>> find(std::string name) = 0;
  /// Whether there is no tunnel of that id, or it was deleted: only when Cloudflare says so of this very one.
  virtual net::Task<Result<bool>> is_gone(std::string tunnel_id) = 0;
  /// The record of exactly this host name, whoever made it.
  virtual net::Task<Result<std::optional<DnsRecord>>> find_dns(std::string hostname) = 0;
  /// Live tunnels whose name starts with `prefix`.
  virtual net::Task<Result<std::vector<Tunnel>>> list(std::string prefix) = 0;
};

[[nodiscard]] std::unique_ptr<TunnelProvider> make_cloudflare(net::asio::any_io_executor executor,
                                                              std::shared_ptr<HttpTransport> transport,
                                                              CloudflareOptions options);
[[nodiscard]] std::unique_ptr<TunnelProvider> make_cloudflare(net::asio::any_io_executor executor,
                                                              std::shared_ptr<HttpTransport> transport,
                                                              CloudflareOptions options, std::shared_ptr<Timer> timer);

}  // namespace dd::tunnel
