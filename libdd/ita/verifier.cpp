#include "libdd/ita/verifier.hpp"

#include <utility>

#include <nlohmann/json.hpp>

#include "libdd/crypto/digest.hpp"
#include "libdd/crypto/jws.hpp"
#include "libdd/ita/token_cache.hpp"
#include "libdd/ita/token_claims.hpp"
#include "libdd/jwks/jwks_cache.hpp"

namespace dd::ita {
namespace {

tl::unexpected<Error> refuse_token(const std::string& problem) {
  return fail(ErrorCode::unauthenticated, kTokenInvalid, "cannot accept token: " + problem);
}

Result<crypto::ParsedJws> parse_token(const std::string& token) {
  auto jws = crypto::parse_jws(token, {crypto::Algorithm::ps384, crypto::Algorithm::rs256}, kLongestToken);
  if (!jws) return fail(ErrorCode::unauthenticated, kTokenInvalid, std::move(jws).error().message);
  if (!jws->typ.empty() && jws->typ != "JWT") return refuse_token("typ in its header, want JWT or none");
  return jws;
}

}  // namespace

struct Verifier::Impl {
  Impl(net::asio::any_io_executor executor, std::shared_ptr<HttpTransport> transport, const Clock& time,
       VerifierOptions options_)
      : clock(time),
        options(std::move(options_)),
        keys(std::move(executor), std::move(transport), time, jwks_options(options)),
        cache(options.cache_limit) {}

  static jwks::JwksOptions jwks_options(const VerifierOptions& options) {
    jwks::JwksOptions out;
    out.url = options.jwks_url;
    return out;
  }
  [[nodiscard]] TokenRules rules() const {
    return {options.issuer, options.attester_type, options.simulated,
            options.leeway, options.longest_life,  clock.unix_seconds()};
  }
  static net::Task<Result<TdxClaims>> verify(std::shared_ptr<Impl> self, std::string token);

  const Clock& clock;
  VerifierOptions options;
  jwks::JwksCache keys;
  TokenCache cache;
};

net::Task<Result<TdxClaims>> Verifier::Impl::verify(std::shared_ptr<Impl> self, std::string token) {
  if (token.size() > kLongestToken)
    co_return refuse_token(std::to_string(token.size()) + " bytes, want at most " + std::to_string(kLongestToken));
  const auto hash = crypto::sha256(as_bytes(token));
  if (const auto* known = self->cache.find(hash, self->clock.unix_seconds())) co_return *known;

  const auto jws = parse_token(token);
  if (!jws) co_return tl::unexpected(jws.error());
  const auto key = co_await self->keys.key(jws->kid, jws->algorithm);
  if (!key) {
    if (key.error().code == ErrorCode::unavailable) co_return wrap(key.error(), "cannot verify token");
    co_return refuse_token(key.error().message);
  }
  if (!key->verify(jws->algorithm, as_bytes(jws->signing_input), jws->signature))
    co_return refuse_token("the signature is not by the key it names");
  auto claims = read_token_claims(*jws->claims, self->rules());
  if (claims) self->cache.put(hash, *claims);
  co_return claims;
}

Verifier::Verifier(net::asio::any_io_executor executor, std::shared_ptr<HttpTransport> transport, const Clock& clock,
                   VerifierOptions options)
    : impl_(std::make_shared<Impl>(std::move(executor), std::move(transport), clock, std::move(options))) {}

Verifier::~Verifier() = default;

net::Task<Result<TdxClaims>> Verifier::verify(std::string token) { return Impl::verify(impl_, std::move(token)); }

}  // namespace dd::ita
