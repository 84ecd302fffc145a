#include "libdd/agent/sign_in_api.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "dd/log.hpp"
#include "libdd/crypto/digest.hpp"
#include "libdd/crypto/statement.hpp"
#include "libdd/identity/cookie.hpp"
#include "libdd/identity/local_path.hpp"
#include "libdd/identity/request_origin.hpp"
#include "libdd/identity/session.hpp"
#include "libdd/net/form.hpp"
#include "libdd/net/url.hpp"
#include "libdd/web/sign_in_page.hpp"

namespace dd::agent {
namespace {

/// Marks the browser that a hand-off is for. It is sent with the control plane's form, and proves nothing but that.
constexpr std::string_view kBrowserCookie = "dd_browser";
constexpr std::chrono::seconds kBrowserLife{600};
constexpr std::size_t kBrowserText = 43;  // 32 bytes in base64url
constexpr std::size_t kMaxForm = 16 * 1024;

net::ServerResponse explain(const char* title, const Error& why) {
  return web::answer(web::message_page(http_status(why.code), title, why.message));
}

}  // namespace

void SignInApi::add_routes(net::Router& router) {
  net::RouteOptions small;
  small.max_body = kMaxForm;
  router.add("POST", "/auth/handoff", [this](const net::ServerRequest& request) { return handoff(request); }, small);
  router.add("POST", "/auth/logout", [this](const net::ServerRequest& request) { return logout(request); }, small);
}

Result<net::ServerResponse> SignInApi::detour(const net::ServerRequest& request) {
  const auto site = own_site(context_);
  if (!site) return tl::unexpected(site.error());
  const auto cookies = identity::Cookies::of_origin(site->origin);
  if (!cookies) return tl::unexpected(cookies.error());
  // Two tabs of one browser may be on their way at once: the second keeps the mark of the first.
  const auto kept = cookies->find_all(request.headers, kBrowserCookie);
  std::string browser = kept.size() == 1 ? kept.front().value : "";
  if (browser.size() != kBrowserText) {
    std::array<std::byte, 32> noise{};
    context_.random.fill(noise);
    browser = to_base64url(noise);
  }
  auto response = web::redirect(context_.cp_origin + "/auth/handoff?" +
                                net::form_text({{"agent", context_.state.membership->agent_id},
                                                {"browser", to_base64url(crypto::sha256(as_bytes(browser)))},
                                                {"next", identity::local_path(request.target)}}));
  response.headers.add("Set-Cookie",
                       cookies->set(kBrowserCookie, browser, kBrowserLife, identity::CookieReach::any_site));
  return response;
}

net::ServerResponse SignInApi::turn_away(const net::ServerRequest& request, const Error& why) {
  if (const auto site = own_site(context_); site && why.reason == identity::kCookieConflict) {
    auto response = web::answer(web::conflict_page(why.message, identity::local_path(request.target)));
    web::add_cookies(response, identity::CookieSessions::clear(request.headers, *site));
    return response;
  }
  if (why.code != ErrorCode::unauthenticated) return explain("Not possible", why);
  auto response = detour(request);
  if (!response) return explain("Cannot sign in", response.error());
  return *std::move(response);
}

net::Task<Result<net::ServerResponse>> SignInApi::handoff(const net::ServerRequest& request) {
  auto response = co_await accept(request);
  if (!response) co_return explain("Cannot open this agent", response.error());
  co_return response;
}

Result<protocol::HandoffClaims> SignInApi::claims_in(const net::ServerRequest& request, std::string_view statement) {
  const auto& membership = context_.state.membership;
  const auto site = own_site(context_);
  if (!site) return tl::unexpected(site.error());
  const auto now = context_.clock.unix_seconds();
  const identity::StatementReader reader{membership->cp_key, membership->agent_id, now};
  auto claims = identity::verify_handoff(statement, reader);
  if (!claims) return claims;
  const auto cookies = identity::Cookies::of_origin(site->origin);
  if (!cookies) return tl::unexpected(cookies.error());
  const auto marks = cookies->find_all(request.headers, kBrowserCookie);
  const auto is_meant = [&claims](const identity::FoundCookie& mark) {
    return constant_time_equal(crypto::sha256(as_bytes(mark.value)), claims->browser);
  };
  if (std::ranges::none_of(marks, is_meant))
    return fail(ErrorCode::unauthenticated, "cannot open this agent: the way here was begun in another browser");
  if (auto once = spent_.spend(claims->base.id, claims->base.expires_at, now); !once)
    return wrap(once.error(), "cannot open this agent");
  return claims;
}

net::Task<Result<net::ServerResponse>> SignInApi::accept(const net::ServerRequest& request) {
  // The control plane's page posts here, and no other.
  if (auto from_cp = identity::check_request_origin(request.headers, context_.cp_origin); !from_cp)
    co_return tl::unexpected(std::move(from_cp).error());
  const auto form = net::Form::parse(request);
  if (!form) co_return tl::unexpected(form.error());
  const auto claims = claims_in(request, form->value("statement"));
  if (!claims) co_return tl::unexpected(claims.error());
  const auto site = own_site(context_);
  if (!site) co_return tl::unexpected(site.error());

  auto session = claims->base;
  // Issued when the control plane did: by that it says which ones are over.
  session.audience = site->origin;
  session.expires_at = claims->session_expires_at;
  session.id = identity::new_id(context_.random);
  const auto compact =
      co_await context_.capability.sign(std::string(crypto::kCookieTyp), protocol::to_json_value(session));
  if (!compact) co_return wrap(compact.error(), "cannot sign a session");
  auto started = identity::CookieSessions::start(*compact, session, *site, context_.clock.unix_seconds(),
                                                 request.headers, context_.random);
  const auto cookies = identity::Cookies::of_origin(site->origin);
  if (!started || !cookies) co_return tl::unexpected(started ? cookies.error() : started.error());
  log::info("signed in", {{"who", session.login}});
  auto response = web::redirect(identity::local_path(form->value("next")));
  web::add_cookies(response, *std::move(started));
  response.headers.add("Set-Cookie", cookies->clear(kBrowserCookie, identity::CookieReach::any_site));
  co_return response;
}

net::Task<Result<net::ServerResponse>> SignInApi::logout(const net::ServerRequest& request) {
  auto response = web::answer(web::signed_out_page(context_.cp_origin));
  const auto site = own_site(context_);
  if (!site || request.headers.find("Authorization") != nullptr) co_return response;
  if (auto ours = identity::check_request_origin(request.headers, site->origin); !ours)
    co_return explain("Not possible", ours.error());
  context_.state.sessions.end(request.headers, *site, context_.clock.unix_seconds());
  web::add_cookies(response, identity::CookieSessions::clear(request.headers, *site));
  co_return response;
}

}  // namespace dd::agent
