#include "libdd/jwks/jwks_cache.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

#include "dd/log.hpp"
#include "libdd/jwks/key_set.hpp"
#include "libdd/net/ascii.hpp"
#include "libdd/net/http_client.hpp"

namespace dd::jwks {
namespace {

constexpr std::chrono::seconds kLongestAge = std::chrono::hours(24);

/// RFC 9111, 5.2.2.1.
std::optional<std::chrono::seconds> max_age(const HttpResponse& response) {
  const auto* header = response.headers.find("Cache-Control");
  const auto text = header ? net::to_lower(*header) : std::string();
  const auto at = text.find("max-age=");
  if (at == std::string::npos || (at > 0 && (net::is_alnum(text[at - 1]) || text[at - 1] == '-'))) return std::nullopt;
  std::int64_t seconds = 0;
  const auto* digits = text.data() + at + 8;
  if (std::from_chars(digits, text.data() + text.size(), seconds).ec != std::errc() || seconds < 0) return std::nullopt;
  return std::chrono::seconds(std::min<std::int64_t>(seconds, kLongestAge.count()));
}

}  // namespace

struct JwksCache::Impl {
  Impl(net::asio::any_io_executor e, std::shared_ptr<HttpTransport> t, const Clock& c, JwksOptions o)
      : executor(e), transport(std::move(t)), clock(c), options(std::move(o)), fetched(std::move(e)) {}

  [[nodiscard]] bool is_old() const { return !keys || clock.now() >= good_until; }
  [[nodiscard]] bool may_fetch() const {
    return !last_attempt || clock.now() >= *last_attempt + (keys ? options.retry : options.first_retry);
  }

  [[nodiscard]] Error without_keys() const {
    return {ErrorCode::unavailable, "cannot fetch key set from " + options.url + ": " + last_failure.message, {}, {}};
  }

  void take(Result<HttpResponse> outcome);
  // Static with the owner as a parameter: a coroutine starts later than it is called.
  static net::Task<void> fetch(std::shared_ptr<Impl> self);
  static net::Task<void> refresh(std::shared_ptr<Impl> self);
  static net::Task<Result<crypto::RsaPublicKey>> key(std::shared_ptr<Impl> self, std::string kid,
                                                     crypto::Algorithm algorithm);

  net::asio::any_io_executor executor;
  std::shared_ptr<HttpTransport> transport;
  const Clock& clock;
  JwksOptions options;
  // Everything below belongs to the io thread.
  std::optional<KeySet> keys;
  Clock::TimePoint good_until;
  std::optional<Clock::TimePoint> last_attempt;
  Error last_failure{ErrorCode::unavailable, "not fetched yet", {}, {}};
  bool fetching = false;
  net::Event fetched;
};

void JwksCache::Impl::take(Result<HttpResponse> outcome) {
  if (outcome && outcome->status != 200) outcome = tl::unexpected(net::error_from(*outcome));
  auto parsed = outcome ? KeySet::parse(outcome->body) : Result<KeySet>(tl::unexpected(outcome.error()));
  if (!parsed) {
    last_failure = parsed.error();
    log::warning("cannot refresh key set",
                 {{"url", options.url}, {"error", last_failure.message}, {"kept", keys.has_value()}});
    return;
  }
  keys = *std::move(parsed);
  good_until = clock.now() + std::max(max_age(*outcome).value_or(options.refresh), options.retry);
}

net::Task<void> JwksCache::Impl::fetch(std::shared_ptr<Impl> self) {
  // Also when this coroutine is destroyed.
  const std::shared_ptr<void> ending(nullptr, [self](void*) {
    self->fetching = false;
    self->fetched.notify();
  });
  HttpRequest request;
  request.url = self->options.url;
  request.headers.set("Accept", "application/json");
  request.deadline = self->options.deadline;
  request.max_response_bytes = KeySet::kMaxBytes;
  auto outcome = co_await net::send(*self->transport, std::move(request));
  self->take(std::move(outcome));
}

/// Joins the fetch that runs, starts one when it may, or returns at once.
net::Task<void> JwksCache::Impl::refresh(std::shared_ptr<Impl> self) {
  if (!self->fetching && self->may_fetch()) {
    self->fetching = true;
    self->last_attempt = self->clock.now();
    net::spawn(self->executor, fetch(self), "key set fetch");
  }
  while (self->fetching) {
    auto waiting = self->fetched.wait(self->options.deadline);
    co_await std::move(waiting);
  }
}

net::Task<Result<crypto::RsaPublicKey>> JwksCache::Impl::key(std::shared_ptr<Impl> self, std::string kid,
                                                             crypto::Algorithm algorithm) {
  if (self->is_old()) co_await refresh(self);
  if (!self->keys) co_return tl::unexpected(self->without_keys());
  if (const auto* known = self->keys->find(kid, algorithm)) co_return *known;
  co_await refresh(self);
  if (const auto* found = self->keys->find(kid, algorithm)) co_return *found;
  co_return fail(ErrorCode::unauthenticated, "cannot find the key that the token names in the key set of its issuer");
}

JwksCache::JwksCache(net::asio::any_io_executor executor, std::shared_ptr<HttpTransport> transport, const Clock& clock,
                     JwksOptions options)
    : impl_(std::make_shared<Impl>(std::move(executor), std::move(transport), clock, std::move(options))) {}

net::Task<Result<crypto::RsaPublicKey>> JwksCache::key(std::string kid, crypto::Algorithm algorithm) {
  return Impl::key(impl_, std::move(kid), algorithm);
}

}  // namespace dd::jwks
