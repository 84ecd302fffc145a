#include "libdd/identity/github_oauth.hpp"

#include <array>

#include <nlohmann/json.hpp>

#include "libdd/core/json.hpp"
#include "libdd/crypto/digest.hpp"
#include "libdd/net/form.hpp"
#include "libdd/net/http_client.hpp"

namespace dd::identity {
namespace {

constexpr std::int64_t kDetourLife = 600;  // as long as GitHub keeps a code
constexpr std::chrono::milliseconds kTradeDeadline{10'000};
constexpr std::size_t kLongestAnswer = 64 * 1024;
constexpr TextRule kLong{1, 4096};

std::string new_secret(Random& random) {
  std::array<std::byte, 32> bytes{};
  random.fill(bytes);
  return to_base64url(bytes);
}

/// What the check needs to see: who the user is takes no scope, a private membership this one.
std::string scope_for(OwnerKind kind) { return kind == OwnerKind::organisation ? "read:org" : ""; }

/// GitHub reports failures with status 200.
tl::unexpected<Error> explain(const std::string& word) {
  const auto context = "cannot sign in at GitHub: ";
  if (word == "bad_verification_code")
    return fail(ErrorCode::unauthenticated,
                context + std::string("its code was used, has expired or is not this sign-in's"));
  return fail(ErrorCode::upstream, context + std::string("it answered ") + word.substr(0, 64));
}

Result<Secret> token_in(const HttpResponse& response) {
  const auto nonsense = [] { return fail(ErrorCode::upstream, "cannot sign in at GitHub: it answered no token"); };
  if (response.status >= 500 || response.status == 429)
    return fail(ErrorCode::unavailable, "cannot sign in at GitHub: it answered " + std::to_string(response.status));
  if (response.status != 200) return nonsense();
  const auto value = parse_json(response.body);
  if (!value) return nonsense();
  ObjectReader reader(*value, "$");
  if (const auto word = reader.optional_text("error", kLong)) return explain(*word);
  auto token = reader.text("access_token", kLong);
  const auto type = reader.text("token_type", kLong);
  if (reader.error() || type != "bearer") return nonsense();
  return Secret(std::move(token));
}

}  // namespace

GithubOauth::GithubOauth(std::shared_ptr<HttpTransport> transport, GithubApp app, Owner owner, const Clock& clock,
                         Random& random)
    : transport_(transport),
      app_(std::move(app)),
      kind_(owner.kind),
      owner_(std::move(transport), app_.api_url, std::move(owner)),
      clock_(clock),
      random_(random),
      mac_(random) {
  while (app_.web_url.ends_with('/')) app_.web_url.pop_back();
}

GithubDetour GithubOauth::begin(std::string next) {
  const auto state = new_secret(random_);
  const auto verifier = new_secret(random_);
  std::vector<std::pair<std::string, std::string>> fields = {
      {"client_id", app_.client_id},
      {"redirect_uri", app_.callback_url},
      {"state", state},
      {"code_challenge", to_base64url(crypto::sha256(as_bytes(verifier)))},
      {"code_challenge_method", "S256"},
      {"allow_signup", "false"}};
  if (auto scope = scope_for(kind_); !scope.empty()) fields.emplace_back("scope", std::move(scope));
  // The verifier may be read by the browser that keeps it: it protects the code from everybody else.
  Json kept = {{"state", state}, {"verifier", verifier}, {"next", std::move(next)}};
  return {app_.web_url + "/login/oauth/authorize?" + net::form_text(fields),
          mac_.protect(std::move(kept), clock_.unix_seconds() + kDetourLife)};
}

struct GithubOauth::Begun {
  std::string verifier;
  std::string next;
  std::int64_t expires_at = 0;
};

Result<GithubOauth::Begun> GithubOauth::read(std::string_view cookie, std::string_view state) const {
  const auto kept = mac_.read(cookie, clock_.unix_seconds());
  if (!kept) return tl::unexpected(kept.error());
  ObjectReader reader(*kept, "$");
  const auto its_state = reader.text("state", kLong);
  Begun begun{reader.text("verifier", kLong), reader.text("next", kLong),
              reader.integer("exp", 0, std::int64_t{1} << 53)};
  if (reader.error()) return tl::unexpected(*reader.error());
  if (!constant_time_equal(as_bytes(its_state), as_bytes(state)))
    return fail(ErrorCode::unauthenticated, "cannot sign in at GitHub: this browser did not begin it, start again");
  return begun;
}

Result<GithubArrival> GithubOauth::arrive(GithubReturn back, const std::vector<FoundCookie>& kept) {
  auto begun = read(kept.empty() ? "" : kept.front().value, back.state);
  for (std::size_t i = 1; i < kept.size() && !begun; ++i) begun = read(kept[i].value, back.state);
  if (!begun) return tl::unexpected(begun.error());
  if (auto once = spent_.spend(back.state, begun->expires_at, clock_.unix_seconds()); !once)
    return wrap(once.error(), "cannot sign in at GitHub");
  if (back.error == "access_denied")
    return fail(ErrorCode::permission_denied, "cannot sign in at GitHub: it was refused there");
  if (!back.error.empty() || back.code.empty()) return explain(back.error.empty() ? "no code" : back.error);
  return GithubArrival{std::move(back.code), std::move(begun->verifier), std::move(begun->next)};
}

net::Task<Result<Secret>> GithubOauth::trade(GithubArrival arrival) {
  HttpRequest request;
  request.method = "POST";
  request.url = app_.web_url + "/login/oauth/access_token";
  request.headers.set("Accept", "application/json");
  request.headers.set("Content-Type", "application/x-www-form-urlencoded");
  request.headers.set("User-Agent", "libdd/" DD_VERSION);
  request.body = net::form_text({{"client_id", app_.client_id},
                                 {"client_secret", std::string(app_.client_secret.reveal())},
                                 {"code", std::move(arrival.code)},
                                 {"redirect_uri", app_.callback_url},
                                 {"code_verifier", std::move(arrival.verifier)}});
  request.deadline = kTradeDeadline;
  request.max_response_bytes = kLongestAnswer;
  const auto response = co_await net::send(*transport_, std::move(request));
  if (!response) co_return fail(ErrorCode::unavailable, "cannot sign in at GitHub: " + response.error().message);
  co_return token_in(*response);
}

net::Task<Result<Principal>> GithubOauth::finish(GithubArrival arrival) {
  auto token = co_await trade(std::move(arrival));
  if (!token) co_return tl::unexpected(std::move(token).error());
  co_return co_await owner_.ask(*std::move(token));
}

}  // namespace dd::identity
