#include "libdd/agent/visitor.hpp"

#include <algorithm>

#include "libdd/identity/session.hpp"
#include "libdd/net/url.hpp"

namespace dd::agent {
namespace {

Result<std::string> session_subject(const Context& context, std::string_view token) {
  const auto& membership = context.state.membership;
  if (!membership)
    return fail(ErrorCode::unauthenticated, "signature_invalid",
                "cannot accept session: this agent is not registered yet");
  const identity::StatementReader reader{membership->cp_key, membership->agent_id, context.clock.unix_seconds()};
  auto claims = identity::verify_session(token, reader);
  if (!claims) return tl::unexpected(std::move(claims).error());
  if (context.state.sessions.is_over(*claims))
    return fail(ErrorCode::unauthenticated, "signature_invalid",
                "cannot accept session: the one that it came from was signed out");
  return std::move(claims->login);
}

}  // namespace

std::string origin_of(const Context& context, const std::string& hostname) {
  return net::origin_of_host(context.cp_origin, hostname);
}

Result<identity::Site> own_site(const Context& context) {
  const auto& membership = context.state.membership;
  if (!membership) return fail(ErrorCode::unavailable, "cannot sign in: this agent is not registered yet");
  return identity::Site{origin_of(context, membership->hostname), context.state.keys.signing,
                        identity::SiteKind::agent};
}

net::Task<Result<Visitor>> who(Context& context, std::string method, HttpHeaders headers, std::string client) {
  if (headers.find("Authorization") == nullptr && headers.find("Cookie") != nullptr) {
    const auto site = own_site(context);
    if (!site) co_return tl::unexpected(site.error());
    auto session = context.state.sessions.find(method, headers, *site, context.clock.unix_seconds());
    if (!session) co_return tl::unexpected(std::move(session).error());
    if (*session) co_return Visitor{(*session)->login, *std::move(session)};
  }
  auto token = identity::bearer_token(headers);
  if (!token) co_return tl::unexpected(std::move(token).error());
  const auto text = token->reveal();
  if (std::count(text.begin(), text.end(), '.') == 2) {
    auto subject = session_subject(context, text);
    if (!subject) co_return tl::unexpected(std::move(subject).error());
    co_return Visitor{*std::move(subject), std::nullopt};
  }
  auto person = co_await context.owners.verify(*std::move(token), std::move(client));
  if (!person) co_return tl::unexpected(std::move(person).error());
  co_return Visitor{std::move(person->login), std::nullopt};
}

}  // namespace dd::agent
