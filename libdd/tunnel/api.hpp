// One call of Cloudflare's API: paced, retried, its envelope opened. Private to libdd/tunnel.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "dd/http.hpp"
#include "libdd/net/task.hpp"
#include "libdd/tunnel/cloudflare.hpp"
#include "libdd/tunnel/pace.hpp"

namespace dd::tunnel {

/// Error codes worth branching on.
inline constexpr int kTunnelNameTaken = 1013;
inline constexpr int kTunnelHasConnections = 1022;
inline constexpr int kHostHasRecord = 81053;
inline constexpr int kHostHasCname = 81054;
inline constexpr int kRecordExists = 81057;
inline constexpr int kSameRecordExists = 81058;
inline constexpr int kRecordAbsent = 81044;

/// A failure with Cloudflare's own code, 0 when it had none; `uncertain` when the call may have had its effect.
struct ApiError {
  Error error;
  int code = 0;
  int status = 0;
  bool uncertain = false;
};
template <class T>
using ApiResult = tl::expected<T, ApiError>;

/// Use on one io thread.
class Api {
 public:
  Api(asio::any_io_executor executor, std::shared_ptr<HttpTransport> transport, const CloudflareOptions& options);

  /// `path` is below the API's base. GET, PUT and DELETE are repeated on 429, 5xx and lost connections; POST only on 429.
  net::Task<ApiResult<nlohmann::json>> call(std::string method, std::string path, nlohmann::json body);
  /// All pages of a list, each item once.
  net::Task<ApiResult<std::vector<nlohmann::json>>> list(std::string path, std::string query);

 private:
  struct Attempt;
  net::Task<Attempt> attempt(std::string method, std::string path, std::string body, std::chrono::milliseconds left);

  std::shared_ptr<HttpTransport> transport_;
  const CloudflareOptions& options_;
  Pace pace_;
};

[[nodiscard]] Error to_error(const ApiError& failure);

}  // namespace dd::tunnel
