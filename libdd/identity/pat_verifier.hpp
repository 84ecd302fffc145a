// Whether a GitHub personal access token proves that its holder acts for the owner. Readability of a repository proves nothing.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "dd/clock.hpp"
#include "dd/http.hpp"
#include "dd/identity.hpp"
#include "dd/secret.hpp"
#include "libdd/net/task.hpp"

namespace dd::identity {

struct PatVerifierOptions {
  std::string api_url = "https://api.github.com";
  /// With id 0 the login is compared instead, which a new holder of the name passes.
  Owner owner;
  std::chrono::seconds positive_cache{300};
  std::chrono::seconds negative_cache{60};
  std::size_t cache_limit = 1024;  // of each kind
};

/// Answers are cached under a keyed hash of the token; equal lookups share one. Use on one io thread.
class PatVerifier {
 public:
  PatVerifier(net::asio::any_io_executor executor, std::shared_ptr<HttpTransport> transport, const Clock& clock,
              PatVerifierOptions options);
  PatVerifier(const PatVerifier&) = delete;
  PatVerifier& operator=(const PatVerifier&) = delete;
  ~PatVerifier();
  /// Errors: unauthenticated (no such token, or an app's), permission_denied (someone else's), unavailable (GitHub is down or limits us: nothing is
  /// known of the token, and nothing is kept), upstream (GitHub answered something else), invalid_argument (a repository owner that is no "owner/repo").
  /// `client` is who asks (ServerRequest::client); empty for ourselves. Also: rate_limited, when as many of his tokens as a client may have looked up at
  /// one time are.
  net::Task<Result<Principal>> verify(Secret token, std::string client);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

/// The token of an `Authorization: Bearer` header. Errors: unauthenticated when there is none, twice, or it has impossible characters.
[[nodiscard]] Result<Secret> bearer_token(const HttpHeaders& headers);
/// `text` as a token by the same rule, for one that somebody typed: it goes on into a header of ours.
[[nodiscard]] Result<Secret> typed_token(std::string_view text);

}  // namespace dd::identity
