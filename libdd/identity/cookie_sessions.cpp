#include "libdd/identity/cookie_sessions.hpp"

#include <algorithm>
#include <iterator>
#include <set>

#include "dd/log.hpp"
#include "libdd/identity/cookie.hpp"
#include "libdd/identity/request_origin.hpp"
#include "libdd/identity/session.hpp"

namespace dd::identity {

Result<protocol::SessionClaims> CookieSessions::read(std::string_view cookie, const Site& site,
                                                     std::int64_t now) const {
  const StatementReader reader{site.key, site.origin, now};
  auto claims = site.kind == SiteKind::agent ? verify_agent_cookie(cookie, reader) : verify_session(cookie, reader);
  if (claims && is_over(*claims))
    return fail(ErrorCode::unauthenticated, "signature_invalid", "cannot accept session: it was signed out");
  return claims;
}

Result<std::optional<protocol::SessionClaims>> CookieSessions::find(std::string_view method, const HttpHeaders& headers,
                                                                    const Site& site, std::int64_t now) const {
  const auto cookies = Cookies::of_origin(site.origin);
  if (!cookies) return tl::unexpected(cookies.error());
  std::optional<protocol::SessionClaims> newest;
  std::optional<Error> refused;
  for (const auto& cookie : cookies->find_all(headers, kSessionCookie)) {
    auto claims = read(cookie.value, site, now);
    if (!claims) {
      if (!refused) refused = std::move(claims).error();
      continue;
    }
    if (newest && newest->user_id != claims->user_id)
      return fail(ErrorCode::unauthenticated, kCookieConflict,
                  "cannot tell whose session this is: this browser sends good ones of " + newest->login + " and of " +
                      claims->login + ", so another site has planted one. Sign in again");
    if (!newest || newest->issued_at < claims->issued_at) newest = *std::move(claims);
  }
  if (!newest && refused) return tl::unexpected(*std::move(refused));
  if (newest && changes_state(method))
    if (auto ours = check_request_origin(headers, site.origin); !ours) return tl::unexpected(std::move(ours).error());
  return newest;
}

Result<std::vector<std::string>> CookieSessions::start(std::string_view compact, const protocol::SessionClaims& claims,
                                                       const Site& site, std::int64_t now, const HttpHeaders& headers,
                                                       Random& random) {
  const auto cookies = Cookies::of_origin(site.origin);
  if (!cookies) return tl::unexpected(cookies.error());
  auto values = clear(headers, site);
  const auto name = values.empty() ? std::string(kSessionCookie) : fresh_name(kSessionCookie, random);
  values.push_back(cookies->set(name, compact, std::chrono::seconds(claims.expires_at - now)));
  return values;
}

std::vector<std::string> CookieSessions::clear(const HttpHeaders& headers, const Site& site) {
  std::vector<std::string> values;
  const auto cookies = Cookies::of_origin(site.origin);
  if (!cookies) return values;
  std::set<std::string> names;
  for (auto& cookie : cookies->find_all(headers, kSessionCookie)) names.insert(std::move(cookie.name));
  for (const auto& name : names) std::ranges::move(cookies->clear_planted(name), std::back_inserter(values));
  return values;
}

void CookieSessions::end(const HttpHeaders& headers, const Site& site, std::int64_t now) {
  const auto cookies = Cookies::of_origin(site.origin);
  if (!cookies) return;
  for (const auto& cookie : cookies->find_all(headers, kSessionCookie))
    if (const auto claims = read(cookie.value, site, now)) revoke({claims->id, claims->expires_at}, now);
}

bool CookieSessions::is_over(const protocol::SessionClaims& session) const {
  return session.issued_at <= all_over_until_ || signed_out_.contains(session.id) || any_ended(session.from);
}

bool CookieSessions::any_ended(const std::vector<std::string>& ids) const {
  return std::ranges::any_of(ids, [this](const auto& id) { return signed_out_.contains(id); });
}

void CookieSessions::revoke(const protocol::EndedSession& session, std::int64_t now) {
  if (session.expires_at <= now || signed_out_.contains(session.id)) return;
  for (; !ended_.empty() && ended_.front().expires_at <= now; ++before_ended_) ended_.pop_front();
  const auto spent = signed_out_.spend(session.id, session.expires_at, now);
  if (spent && ended_.size() < kMostSignedOut) {
    ended_.push_back(session);
    return;
  }
  if (!spent && spent.error().code != ErrorCode::unavailable) return;  // over by itself, if the clock was set back
  log::warning("everybody has to sign in again", {{"why", "more sessions were ended than can be remembered"}});
  revoke_all_until(now);
  // All of these were issued before now.
  signed_out_ = SpentIds(kMostSignedOut);
  before_ended_ += ended_.size();
  ended_.clear();
}

void CookieSessions::revoke_all_until(std::int64_t issued_at) {
  all_over_until_ = std::max(all_over_until_, issued_at);
}

CookieSessions::Ended CookieSessions::ended_after(std::uint64_t told, std::int64_t now) const {
  Ended news;
  news.told = std::max(told, before_ended_);
  const auto known = before_ended_ + ended_.size();
  for (; news.told < known && news.sessions.size() < protocol::kMostSignedOut; ++news.told) {
    const auto& session = ended_[static_cast<std::size_t>(news.told - before_ended_)];
    if (session.expires_at > now) news.sessions.push_back(session);
  }
  return news;
}

}  // namespace dd::identity
