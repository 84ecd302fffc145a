#include "libdd/cp/people.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "dd/log.hpp"
#include "libdd/crypto/statement.hpp"
#include "libdd/identity/cookie.hpp"
#include "libdd/identity/local_path.hpp"
#include "libdd/identity/session.hpp"
#include "libdd/net/url.hpp"
#include "libdd/web/sign_in_page.hpp"

namespace dd::cp {

namespace {

// PatVerifier keeps an answer longer, so that GitHub is seldom asked.
constexpr std::int64_t kTokenCheckPeriod = 60;  // s
constexpr std::int64_t kLongestUnchecked = 300;
// Sessions of which the time is not over, signed out or not: an agent hears of 32 ended ones in a poll, and nobody else's is to wait for long.
constexpr std::size_t kMostSessions = 8192;
constexpr std::size_t kMostOfPerson = 256;

const std::string& first_of(const protocol::SessionClaims& session) {
  return session.from.empty() ? session.id : session.from.front();
}

}  // namespace

bool is_refusal(const Error& error) noexcept {
  return error.code == ErrorCode::unauthenticated || error.code == ErrorCode::permission_denied;
}

Result<identity::SignInGrounds> grounds_of(const Visitor& visitor) {
  identity::SignInGrounds grounds{visitor.person, visitor.token, {}, std::nullopt};
  if (!visitor.session) return grounds;
  grounds.from = identity::lineage_of(*visitor.session);
  if (grounds.from.size() >= protocol::kMostAncestors)
    return fail(ErrorCode::conflict, "cannot make a sign-in link: this session came from " +
                                         std::to_string(grounds.from.size() - 1) + " links already, sign in anew");
  grounds.ends_at = visitor.session->expires_at;
  grounds.issued_at = visitor.session->issued_at;
  return grounds;
}

net::Task<Result<Visitor>> People::who(std::string method, HttpHeaders headers, std::string client) {
  if (headers.find("Authorization") == nullptr && headers.find("Cookie") != nullptr) {
    auto session = context_.sessions.find(method, headers, site_, context_.clock.unix_seconds());
    if (!session) co_return tl::unexpected(std::move(session).error());
    if (*session) {
      auto good = co_await check_token(**session);
      if (!good) co_return tl::unexpected(std::move(good).error());
      co_return Visitor{Principal{(*session)->login, (*session)->user_id, {}}, *std::move(session), {}};
    }
  }
  auto token = identity::bearer_token(headers);
  if (!token) co_return tl::unexpected(std::move(token).error());
  auto shown = *token;
  auto person = co_await context_.owners.verify(std::move(shown), std::move(client));
  if (!person) co_return tl::unexpected(std::move(person).error());
  co_return Visitor{*std::move(person), std::nullopt, *std::move(token)};
}

net::Task<Result<void>> People::check_token(protocol::SessionClaims session) {
  const auto first = first_of(session);
  const auto kept = tokens_.find(first);
  const auto now = context_.clock.unix_seconds();
  if (kept == tokens_.end() || now - kept->second.checked_at < kTokenCheckPeriod) co_return Result<void>{};
  const bool good = co_await ask_again(first);
  if (good) co_return Result<void>{};
  co_return fail(ErrorCode::unauthenticated, "signature_invalid",
                 "cannot accept session: the token that it began with is no longer good");
}

// What GitHub does not answer ends nobody's session.
net::Task<bool> People::ask_again(std::string session_id) {
  auto token = tokens_.at(session_id).token;
  const auto person = co_await context_.owners.verify(std::move(token), std::string());
  const auto kept = tokens_.find(session_id);
  if (kept == tokens_.end()) co_return !context_.sessions.any_ended({session_id});
  kept->second.checked_at = context_.clock.unix_seconds();
  if (person || !is_refusal(person.error())) co_return true;
  context_.sessions.revoke({session_id, kept->second.expires_at}, kept->second.checked_at);
  tokens_.erase(kept);
  log::info("a session ended with its token");
  co_return false;
}

net::Task<void> People::check_tokens() {
  const auto now = context_.clock.unix_seconds();
  std::erase_if(tokens_, [now](const auto& entry) { return entry.second.expires_at <= now; });
  std::vector<std::string> due;
  for (const auto& [session_id, kept] : tokens_)
    if (now - kept.checked_at >= kLongestUnchecked) due.push_back(session_id);
  for (const auto& session_id : due)
    if (tokens_.contains(session_id)) co_await ask_again(session_id);
}

Result<void> People::check_room(const Principal& person) {
  const auto now = context_.clock.unix_seconds();
  std::erase_if(begun_, [now](const auto& session) { return session.expires_at <= now; });
  const auto own = std::ranges::count(begun_, person.id, &Begun::user_id);
  if (static_cast<std::size_t>(own) >= kMostOfPerson)
    return fail(ErrorCode::rate_limited,
                "cannot sign in: " + person.login + " has begun " + std::to_string(own) +
                    " sessions of which the time is not over, signed out or not; try again later");
  if (begun_.size() >= kMostSessions)
    return fail(ErrorCode::unavailable, "cannot sign in: " + std::to_string(begun_.size()) +
                                            " sessions were begun of which the time is not over; try again later");
  return {};
}

net::Authenticate People::owner_only() {
  return [this](const net::ServerRequest& request) -> net::Task<Result<std::string>> {
    auto visitor = co_await who(request.method, request.headers, request.client);
    if (!visitor) co_return tl::unexpected(std::move(visitor).error());
    co_return std::move(visitor->person.login);
  };
}

net::Task<Result<std::vector<std::string>>> People::sign_in(identity::SignInGrounds grounds, HttpHeaders headers) {
  const auto now = context_.clock.unix_seconds();
  const bool before_all_ended = grounds.issued_at.value_or(now + 1) <= context_.sessions.all_over_until();
  if (before_all_ended || context_.sessions.any_ended(grounds.from) || grounds.ends_at.value_or(now + 1) <= now)
    co_return fail(ErrorCode::unauthenticated, "cannot sign in: the session that made this link is over");
  if (const auto room = check_room(grounds.person); !room) co_return tl::unexpected(room.error());
  const auto life = std::chrono::floor<std::chrono::seconds>(context_.options.session_life);
  auto claims = identity::new_session(grounds.person, site_.origin, life, context_.clock, context_.random);
  claims.expires_at = std::min(claims.expires_at, grounds.ends_at.value_or(claims.expires_at));
  claims.from = std::move(grounds.from);
  const auto compact =
      co_await context_.capability.sign(std::string(crypto::kSessionTyp), protocol::to_json_value(claims));
  if (!compact) co_return wrap(compact.error(), "cannot sign a session");
  begun_.push_back({claims.user_id, claims.expires_at});
  if (!grounds.token.empty())
    tokens_.insert_or_assign(claims.id, KeptToken{std::move(grounds.token), claims.expires_at, now});
  co_return identity::CookieSessions::start(*compact, claims, site_, now, headers, context_.random);
}

void People::sign_out(net::ServerResponse& response, const HttpHeaders& headers) {
  context_.sessions.end(headers, site_, context_.clock.unix_seconds());
  // Nobody needs to ask about their tokens any more.
  std::erase_if(tokens_, [this](const auto& entry) { return context_.sessions.any_ended({entry.first}); });
  web::add_cookies(response, identity::CookieSessions::clear(headers, site_));
}

net::ServerResponse People::turn_away(const net::ServerRequest& request, const Error& why) const {
  if (why.reason == identity::kCookieConflict) {
    auto response = web::answer(web::conflict_page(why.message, identity::local_path(request.target)));
    web::add_cookies(response, identity::CookieSessions::clear(request.headers, site_));
    return response;
  }
  if (why.code == ErrorCode::unauthenticated)
    return web::redirect("/auth/pat?next=" + net::percent_encode(request.target));
  return web::answer(web::message_page(http_status(why.code), "Not possible", why.message));
}

}  // namespace dd::cp
