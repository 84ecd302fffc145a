// The seam under every outbound client: an HTTP request, its response, and who carries it.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dd/error.hpp"

namespace dd {

/// Header names compare without case.
class HttpHeaders {
 public:
  /// Replaces every value of `name`.
  void set(std::string name, std::string value);
  void add(std::string name, std::string value);
  /// First value of `name`, or nullptr. Valid until the headers change.
  [[nodiscard]] const std::string* find(std::string_view name) const;
  [[nodiscard]] std::size_t count(std::string_view name) const;
  void remove(std::string_view name);
  [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& all() const noexcept { return all_; }

 private:
  std::vector<std::pair<std::string, std::string>> all_;
};

struct HttpRequest {
  std::string method = "GET";
  /// Absolute, http or https.
  std::string url;
  HttpHeaders headers;
  std::string body;
  /// For the whole exchange, redirects included.
  std::chrono::milliseconds deadline{20'000};
  /// A longer answer is too_large.
  std::size_t max_response_bytes = 1024 * 1024;
  /// Redirects that may be followed; Authorization and Cookie are dropped when the origin changes.
  int max_redirects = 0;
  /// Takes the content of a 200 piece by piece, so that it is never whole in memory: one call at a time, on a thread of the transport, never
  /// after `done`. False breaks the request off (unavailable). Content of other answers stays in the response, up to kMaxUnsunk bytes.
  std::function<bool(std::string_view piece)> sink = {};
  static constexpr std::size_t kMaxUnsunk = 64 * 1024;
};

struct HttpResponse {
  int status = 0;
  HttpHeaders headers;
  std::string body;
};

/// Carries requests. An answer of any status is a value; errors are unavailable (no connection, TLS, broken off),
/// deadline_exceeded, too_large, invalid_argument (a URL that is none). Implementations are thread-safe.
class HttpTransport {
 public:
  using Done = std::function<void(Result<HttpResponse>)>;

  virtual ~HttpTransport() = default;
  /// Calls `done` exactly once, from any thread, possibly before this returns.
  virtual void send(HttpRequest request, Done done) = 0;
};

}  // namespace dd
