#include "libdd/agent/owner_auth.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "libdd/core/json.hpp"
#include "libdd/crypto/statement.hpp"

namespace dd::agent {
namespace {

Result<std::string> session_subject(const Context& context, std::string_view token) {
  const auto refuse = [](const std::string& why) {
    return fail(ErrorCode::unauthenticated, "signature_invalid", "cannot accept session: " + why);
  };
  const auto& membership = context.state.membership;
  if (!membership) return refuse("this agent is not registered yet");
  const auto statement = crypto::parse_statement(token, crypto::kSessionTyp);
  if (!statement) return refuse(statement.error().message);
  const crypto::StatementRule rule{crypto::kSessionTyp, membership->agent_id, crypto::Expiry::required,
                                   context.clock.unix_seconds()};
  if (auto good = crypto::verify_statement(*statement, membership->cp_key, rule); !good)
    return refuse(good.error().message);
  ObjectReader reader(*statement->claims, "$");
  auto subject = reader.text("sub", {.least = 1, .most = 128});
  if (reader.error()) return refuse(reader.error()->message);
  return subject;
}

net::Task<Result<std::string>> authenticate(Context& context, HttpHeaders headers) {
  auto token = identity::bearer_token(headers);
  if (!token) co_return tl::unexpected(token.error());
  const auto text = token->reveal();
  if (std::count(text.begin(), text.end(), '.') == 2) co_return session_subject(context, text);
  const auto person = co_await context.owners.verify(*std::move(token));
  if (!person) co_return tl::unexpected(person.error());
  co_return person->login;
}

}  // namespace

net::Authenticate owner_only(Context& context) {
  return [&context](const net::ServerRequest& request) { return authenticate(context, request.headers); };
}

}  // namespace dd::agent
