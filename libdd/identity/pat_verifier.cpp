#include "libdd/identity/pat_verifier.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "dd/bytes.hpp"
#include "dd/random.hpp"
#include "libdd/crypto/digest.hpp"
#include "libdd/identity/owner_check.hpp"
#include "libdd/identity/verdict_cache.hpp"
#include "libdd/net/ascii.hpp"
#include "libdd/net/shares.hpp"

namespace dd::identity {
namespace {

constexpr std::size_t kLongestPat = 1024;
/// Strangers cannot make us ask GitHub more than this at one time, and one of them not more than that.
constexpr std::size_t kMostLookups = 32;
constexpr std::size_t kMostLookupsOfOne = 4;
/// Besides, for tokens that were good before: strangers do not keep the owner out.
constexpr std::size_t kMostLookupsOfKnown = 16;
constexpr std::size_t kMostKnown = 1024;
/// Longer than every call of one lookup together.
constexpr std::chrono::milliseconds kLongestLookup{15'000};

/// GitHub's formats grow, so neither length nor prefix is prescribed; this is about what may stand in a header.
bool is_plausible(std::string_view token) {
  return !token.empty() && token.size() <= kLongestPat &&
         std::ranges::all_of(token, [](char c) { return net::is_alnum(c) || c == '_' || c == '.' || c == '-'; });
}

/// Tokens that an app was given: that app, or a workflow, would act as the user. Refresh tokens identify nobody.
bool is_app_token(std::string_view token) {
  return std::ranges::any_of(std::initializer_list<std::string_view>{"gho_", "ghu_", "ghs_", "ghr_"},
                             [token](auto prefix) { return token.starts_with(prefix); });
}

/// One question at GitHub and all who wait for its answer.
struct Lookup {
  Lookup(net::asio::any_io_executor executor, net::Shares::Share s) : share(std::move(s)), done(std::move(executor)) {}
  net::Shares::Share share;
  net::Event done;
  std::optional<Result<Principal>> outcome;
};

}  // namespace

struct PatVerifier::Impl {
  Impl(net::asio::any_io_executor io, std::shared_ptr<HttpTransport> transport, const Clock& time,
       PatVerifierOptions options)
      : executor(std::move(io)),
        clock(time),
        owner(std::move(transport), std::move(options.api_url), std::move(options.owner)),
        cache({options.positive_cache, options.negative_cache, options.cache_limit}) {
    system_random().fill(hash_key);
  }

  static net::Task<Result<Principal>> verify(std::shared_ptr<Impl> self, Secret token, std::string client);
  /// Begins a lookup, when there is room for it.
  [[nodiscard]] Result<std::shared_ptr<Lookup>> begin(const Digest256& key, const std::string& client);
  /// Runs on its own: a caller that gives up does not take the answer from the others.
  static net::Task<void> look_up(std::shared_ptr<Impl> self, Digest256 key, std::shared_ptr<Lookup> lookup,
                                 Secret token);
  void finish(const Digest256& key, Lookup& lookup);
  /// Which tokens have been good.
  void remember(const Digest256& key, const Result<Principal>& outcome);

  net::asio::any_io_executor executor;
  const Clock& clock;
  OwnerCheck owner;
  VerdictCache cache;
  Digest256 hash_key{};
  std::set<Digest256> was_good;
  net::Shares of_strangers{kMostLookupsOfOne, kMostLookups};
  net::Shares of_known{kMostLookupsOfKnown, kMostLookupsOfKnown};
  std::map<Digest256, std::shared_ptr<Lookup>> lookups;  // running; only on the executor's thread
};

net::Task<Result<Principal>> PatVerifier::Impl::verify(std::shared_ptr<Impl> self, Secret token, std::string client) {
  if (!is_plausible(token.reveal()))
    co_return fail(ErrorCode::unauthenticated, "cannot accept token: it has no form of a GitHub token");
  if (is_app_token(token.reveal()))
    co_return fail(ErrorCode::unauthenticated,
                   "cannot accept token: it was issued to an app, want a personal access token");
  const auto key = crypto::hmac_sha256(self->hash_key, {as_bytes(token.reveal())});
  if (auto known = self->cache.find(key, self->clock.unix_millis())) co_return *std::move(known);

  const auto running = self->lookups.find(key);
  std::shared_ptr<Lookup> lookup;
  if (running != self->lookups.end()) {
    lookup = running->second;
  } else {
    auto begun = self->begin(key, client);
    if (!begun) co_return tl::unexpected(std::move(begun).error());
    lookup = *std::move(begun);
    auto task = look_up(self, key, lookup, std::move(token));
    net::spawn(self->executor, std::move(task), "GitHub token check");
  }
  while (!lookup->outcome) {
    const bool done = co_await lookup->done.wait(kLongestLookup);
    if (!done && !lookup->outcome) co_return fail(ErrorCode::unavailable, "cannot check token: GitHub took too long");
  }
  co_return *lookup->outcome;
}

Result<std::shared_ptr<Lookup>> PatVerifier::Impl::begin(const Digest256& key, const std::string& client) {
  auto share = was_good.contains(key) ? of_known.take("") : of_strangers.take(client);
  if (!share) {
    auto refused = Error{ErrorCode::rate_limited, "cannot check token: too many checks at once, try again", {}, {}};
    refused.retry_after = std::chrono::seconds(1);
    return tl::unexpected(std::move(refused));
  }
  auto lookup = std::make_shared<Lookup>(executor, *std::move(share));
  lookups[key] = lookup;
  return lookup;
}

net::Task<void> PatVerifier::Impl::look_up(std::shared_ptr<Impl> self, Digest256 key, std::shared_ptr<Lookup> lookup,
                                           Secret token) {
  // Also when this coroutine is destroyed or throws: nobody may wait for an answer that cannot come.
  struct Finish {
    Impl& impl;
    const Digest256& key;
    Lookup& lookup;
    Finish(Impl& i, const Digest256& k, Lookup& l) : impl(i), key(k), lookup(l) {}
    Finish(const Finish&) = delete;
    Finish& operator=(const Finish&) = delete;
    ~Finish() { impl.finish(key, lookup); }
  } const finish{*self, key, *lookup};
  auto outcome = co_await self->owner.ask(std::move(token));
  self->cache.put(key, outcome, self->clock.unix_millis());
  self->remember(key, outcome);
  lookup->outcome = std::move(outcome);
}

void PatVerifier::Impl::finish(const Digest256& key, Lookup& lookup) {
  if (!lookup.outcome) lookup.outcome = fail(ErrorCode::unavailable, "cannot check token: the check was cut short");
  lookups.erase(key);
  lookup.done.notify();
}

void PatVerifier::Impl::remember(const Digest256& key, const Result<Principal>& outcome) {
  if (!outcome) {
    const auto code = outcome.error().code;
    if (code == ErrorCode::unauthenticated || code == ErrorCode::permission_denied) was_good.erase(key);
  } else if (was_good.size() < kMostKnown) {
    was_good.insert(key);
  }
}

PatVerifier::PatVerifier(net::asio::any_io_executor executor, std::shared_ptr<HttpTransport> transport,
                         const Clock& clock, PatVerifierOptions options)
    : impl_(std::make_shared<Impl>(std::move(executor), std::move(transport), clock, std::move(options))) {}

PatVerifier::~PatVerifier() = default;

net::Task<Result<Principal>> PatVerifier::verify(Secret token, std::string client) {
  return Impl::verify(impl_, std::move(token), std::move(client));
}

}  // namespace dd::identity
