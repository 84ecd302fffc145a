#include "libdd/identity/session.hpp"

#include <array>

#include <nlohmann/json.hpp>

#include "libdd/crypto/statement.hpp"

namespace dd::identity {
namespace {

tl::unexpected<Error> refuse_session(std::string_view what, const Error& why) {
  return fail(ErrorCode::unauthenticated, "signature_invalid",
              "cannot accept " + std::string(what) + ": " + why.message);
}

template <class Claims>
Result<Claims> verify(std::string_view compact, std::string_view typ, const StatementReader& reader,
                      Result<Claims> (*read)(const nlohmann::json&), std::string_view what) {
  const auto statement = crypto::parse_statement(compact, typ);
  if (!statement) return refuse_session(what, statement.error());
  const crypto::StatementRule rule{typ, reader.audience, crypto::Expiry::required, reader.now};
  if (auto good = crypto::verify_statement(*statement, reader.key, rule); !good)
    return refuse_session(what, good.error());
  auto claims = read(*statement->claims);
  if (!claims) return refuse_session(what, claims.error());
  return claims;
}

}  // namespace

std::string new_id(Random& random) {
  std::array<std::byte, 16> id{};
  random.fill(id);
  return to_base64url(id);
}

protocol::SessionClaims new_session(const Principal& person, std::string audience, std::chrono::seconds life,
                                    const Clock& clock, Random& random) {
  const auto now = clock.unix_seconds();
  return {std::move(audience), person.login, person.id, now, now + life.count(), new_id(random), {}};
}

std::vector<std::string> lineage_of(const protocol::SessionClaims& session) {
  auto lineage = session.from;
  lineage.push_back(session.id);
  return lineage;
}

Result<protocol::SessionClaims> verify_session(std::string_view compact, const StatementReader& reader) {
  return verify(compact, crypto::kSessionTyp, reader, protocol::session_claims_from, "session");
}

Result<protocol::SessionClaims> verify_agent_cookie(std::string_view compact, const StatementReader& reader) {
  return verify(compact, crypto::kCookieTyp, reader, protocol::session_claims_from, "session");
}

Result<protocol::HandoffClaims> verify_handoff(std::string_view compact, const StatementReader& reader) {
  return verify(compact, crypto::kHandoffTyp, reader, protocol::handoff_claims_from, "hand-off");
}

}  // namespace dd::identity
