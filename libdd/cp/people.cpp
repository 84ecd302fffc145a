#include "libdd/cp/people.hpp"

#include <nlohmann/json.hpp>

#include "libdd/crypto/statement.hpp"
#include "libdd/identity/session.hpp"
#include "libdd/net/url.hpp"
#include "libdd/web/page.hpp"

namespace dd::cp {

net::Task<Result<Visitor>> People::who(std::string method, HttpHeaders headers) {
  if (headers.find("Authorization") == nullptr && headers.find("Cookie") != nullptr) {
    auto session = sessions_.find(method, headers, site_, context_.clock.unix_seconds());
    if (!session) co_return tl::unexpected(std::move(session).error());
    if (*session) co_return Visitor{Principal{(*session)->login, (*session)->user_id, {}}, *std::move(session)};
  }
  auto token = identity::bearer_token(headers);
  if (!token) co_return tl::unexpected(std::move(token).error());
  auto person = co_await context_.owners.verify(*std::move(token));
  if (!person) co_return tl::unexpected(std::move(person).error());
  co_return Visitor{*std::move(person), std::nullopt};
}

net::Authenticate People::owner_only() {
  return [this](const net::ServerRequest& request) -> net::Task<Result<std::string>> {
    auto visitor = co_await who(request.method, request.headers);
    if (!visitor) co_return tl::unexpected(std::move(visitor).error());
    co_return std::move(visitor->person.login);
  };
}

net::Task<Result<std::string>> People::sign_in(Principal person) {
  const auto life = std::chrono::floor<std::chrono::seconds>(context_.options.session_life);
  const auto claims = identity::new_session(person, site_.origin, life, context_.clock, system_random());
  const auto compact =
      co_await context_.capability.sign(std::string(crypto::kSessionTyp), protocol::to_json_value(claims));
  if (!compact) co_return wrap(compact.error(), "cannot sign a session");
  co_return identity::CookieSessions::start(*compact, claims, site_, context_.clock.unix_seconds());
}

Result<std::string> People::sign_out(const protocol::SessionClaims& session) {
  return sessions_.end(session, site_, context_.clock.unix_seconds());
}

net::ServerResponse People::turn_away(const net::ServerRequest& request, const Error& why) {
  if (why.code == ErrorCode::unauthenticated)
    return web::redirect("/auth/pat?next=" + net::percent_encode(request.target));
  return web::answer(web::message_page(http_status(why.code), "Not possible", why.message));
}

}  // namespace dd::cp
