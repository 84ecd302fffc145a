#include "libdd/identity/cookie_sessions.hpp"

#include <algorithm>
#include <iterator>

#include "dd/log.hpp"
#include "libdd/identity/cookie.hpp"
#include "libdd/identity/request_origin.hpp"
#include "libdd/identity/session.hpp"

namespace dd::identity {

Result<std::optional<protocol::SessionClaims>> CookieSessions::find(std::string_view method, const HttpHeaders& headers,
                                                                    const Site& site, std::int64_t now) const {
  const auto cookies = Cookies::of_origin(site.origin);
  if (!cookies) return tl::unexpected(cookies.error());
  const auto cookie = cookies->find(headers, kSessionCookie);
  if (!cookie) return tl::unexpected(cookie.error());
  if (!*cookie) return std::nullopt;
  const StatementReader reader{site.key, site.origin, now};
  auto claims = site.kind == SiteKind::agent ? verify_agent_cookie(**cookie, reader) : verify_session(**cookie, reader);
  if (!claims) return tl::unexpected(std::move(claims).error());
  if (signed_out_.contains(claims->id) || any_ended(claims->from))
    return fail(ErrorCode::unauthenticated, "signature_invalid", "cannot accept session: it was signed out");
  if (changes_state(method))
    if (auto ours = check_request_origin(headers, site.origin); !ours) return tl::unexpected(std::move(ours).error());
  return *std::move(claims);
}

Result<std::string> CookieSessions::start(std::string_view compact, const protocol::SessionClaims& claims,
                                          const Site& site, std::int64_t now) {
  const auto cookies = Cookies::of_origin(site.origin);
  if (!cookies) return tl::unexpected(cookies.error());
  return cookies->set(kSessionCookie, compact, std::chrono::seconds(claims.expires_at - now));
}

Result<std::string> CookieSessions::end(const protocol::SessionClaims& claims, const Site& site, std::int64_t now) {
  const auto cookies = Cookies::of_origin(site.origin);
  if (!cookies) return tl::unexpected(cookies.error());
  // The browser forgets it also when we cannot remember it.
  revoke({claims.id, claims.expires_at}, now);
  return cookies->clear(kSessionCookie);
}

bool CookieSessions::any_ended(const std::vector<std::string>& ids) const {
  return std::ranges::any_of(ids, [this](const auto& id) { return signed_out_.contains(id); });
}

void CookieSessions::revoke(const protocol::EndedSession& session, std::int64_t now) {
  if (session.expires_at <= now || signed_out_.contains(session.id)) return;
  const auto spent = signed_out_.spend(session.id, session.expires_at, now);
  if (!spent) log::warning("cannot remember a sign-out", {{"why", spent.error().message}});
  latest_.push_back(session);
  if (latest_.size() > protocol::kMostSignedOut) latest_.pop_front();
}

std::vector<protocol::EndedSession> CookieSessions::latest_ended(std::int64_t now) const {
  std::vector<protocol::EndedSession> ended;
  std::ranges::copy_if(latest_, std::back_inserter(ended),
                       [now](const auto& session) { return session.expires_at > now; });
  return ended;
}

}  // namespace dd::identity
