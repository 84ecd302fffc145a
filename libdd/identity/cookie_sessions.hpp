// People who are signed in at one of our origins: the session in the cookie, the rule against forged requests, and signing out.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dd/http.hpp"
#include "libdd/crypto/okp.hpp"
#include "libdd/identity/spent_ids.hpp"
#include "libdd/protocol/session.hpp"

namespace dd::identity {

/// Which statement a cookie holds: the control plane and an agent may share a VM and its key, so each has a kind of its own.
enum class SiteKind { control_plane, agent };

/// Whose cookies: aud of the session is `origin`, `key` signs it.
struct Site {
  std::string origin;
  crypto::OkpPublicKey key;
  SiteKind kind = SiteKind::control_plane;
};

/// Use on one io thread; `now` is unix seconds. What was signed out is remembered until it would have expired, and not across a restart. When that is
/// more than can be remembered, everybody has to sign in again: a session that was ended never comes back because others were ended after it.
class CookieSessions {
 public:
  /// nullopt without a cookie. What somebody planted under its name, and is no session, counts for nothing beside one that is. Errors: unauthenticated when
  /// no session is good here and now, or it or one that it came from was signed out; with reason cookie_conflict when those of several people are good;
  /// permission_denied (reason origin_mismatch) when the request changes something and does not come from a page of ours.
  [[nodiscard]] Result<std::optional<protocol::SessionClaims>> find(std::string_view method, const HttpHeaders& headers,
                                                                    const Site& site, std::int64_t now) const;
  /// Values of Set-Cookie headers that start a session; `compact` is the statement that says `claims`. Under a fresh name, and with what takes the
  /// others away, where the browser sent (`headers`) any.
  [[nodiscard]] static Result<std::vector<std::string>> start(std::string_view compact,
                                                              const protocol::SessionClaims& claims, const Site& site,
                                                              std::int64_t now, const HttpHeaders& headers,
                                                              Random& random);
  /// Values of Set-Cookie headers that take every session from the browser, as far as that can be done.
  [[nodiscard]] static std::vector<std::string> clear(const HttpHeaders& headers, const Site& site);
  /// revoke() for who signs out himself: every good session that the browser sent is over.
  void end(const HttpHeaders& headers, const Site& site, std::int64_t now);
  /// As find() judges it: whether it was signed out, or came from one that was.
  [[nodiscard]] bool is_over(const protocol::SessionClaims& session) const;
  /// Whether any of these sessions was signed out.
  [[nodiscard]] bool any_ended(const std::vector<std::string>& ids) const;
  /// No session of that id is good any more, nor any that came from it.
  void revoke(const protocol::EndedSession& session, std::int64_t now);
  /// No session that was issued until then is good any more.
  void revoke_all_until(std::int64_t issued_at);
  [[nodiscard]] std::int64_t all_over_until() const noexcept { return all_over_until_; }

  /// For who has sessions that came from ours, and has been told of the first `told` that revoke() was told of: the next ones that are not over by
  /// themselves, as many as go into a poll, and how many he has been told of then.
  struct Ended {
    std::vector<protocol::EndedSession> sessions;
    std::uint64_t told = 0;
  };
  [[nodiscard]] Ended ended_after(std::uint64_t told, std::int64_t now) const;

 private:
  [[nodiscard]] Result<protocol::SessionClaims> read(std::string_view cookie, const Site& site, std::int64_t now) const;

  static constexpr std::size_t kMostSignedOut = 8192;

  SpentIds signed_out_{kMostSignedOut};
  std::int64_t all_over_until_ = 0;
  std::deque<protocol::EndedSession>
      ended_;  // in the order of revoke(), until the first of them are over by themselves
  std::uint64_t before_ended_ = 0;  // how many came before them
};

}  // namespace dd::identity
