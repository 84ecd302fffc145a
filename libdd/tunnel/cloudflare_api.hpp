// One call of Cloudflare's API, with pacing, deadline and the retries that its method allows. Knows no endpoint.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "libdd/tunnel/cloudflare.hpp"
#include "libdd/tunnel/cloudflare_envelope.hpp"

namespace dd::tunnel {

/// Values of `query` are percent-encoded here; parts of `path` must have been checked by pattern.
struct ApiCall {
  std::string method;
  std::string path;  // behind the API's base URL
  std::vector<std::pair<std::string, std::string>> query = {};
  nlohmann::json body = {};  // null: none
  std::string what;          // completes "cannot …"
  Timer::TimePoint until = {};
};

class Api {
 public:
  Api(std::shared_ptr<HttpTransport> transport, CloudflareOptions options, std::shared_ptr<Timer> timer);

  /// GET, PUT and DELETE are repeated with back-off after 5xx and transport errors. Any call is repeated after 429, which comes before its effect.
  /// A POST whose outcome is unknown is given back: the caller looks what became of it.
  net::Task<ApiResult<ApiAnswer>> call(ApiCall call);
  /// Every item of every page, each id once: lists are not snapshots and shift while others create and delete.
  net::Task<ApiResult<std::vector<nlohmann::json>>> list(ApiCall call);
  /// Waits as between two attempts; false when `until` comes first.
  net::Task<bool> pause(net::Backoff& backoff, Timer::TimePoint until);

  [[nodiscard]] net::Backoff backoff() const;
  [[nodiscard]] Timer::TimePoint deadline() const { return timer_->now() + options_.deadline; }
  [[nodiscard]] const CloudflareOptions& options() const noexcept { return options_; }

 private:
  net::Task<ApiResult<ApiAnswer>> attempt(const ApiCall& call);
  HttpRequest request_for(const ApiCall& call) const;

  std::shared_ptr<HttpTransport> transport_;
  CloudflareOptions options_;
  std::shared_ptr<Timer> timer_;
  Pacer pacer_;
};

}  // namespace dd::tunnel
