#include "libdd/cp/registration_body.hpp"

#include <utility>

#include <nlohmann/json.hpp>

#include "libdd/core/json.hpp"
#include "libdd/crypto/digest.hpp"

namespace dd::cp {
namespace {

constexpr const char* kWhere = "$.registration";

tl::unexpected<Error> not_announced(const std::string& what) {
  return fail(ErrorCode::unauthenticated, "signature_invalid", "cannot register: " + what + " its head announced");
}

Result<crypto::ParsedJws> statement_in(const std::string& body) {
  const auto value = parse_json(body, {.max_bytes = kMaxRegistration});
  if (!value) return tl::unexpected(value.error());
  ObjectReader reader(*value, "$");
  const auto text = reader.text("registration", {.least = 1, .most = kMaxRegistration});
  if (reader.error()) return tl::unexpected(*reader.error());
  auto statement = crypto::parse_statement(text, crypto::kRegisterTyp);
  if (!statement) return fail_at(ErrorCode::malformed, kWhere, statement.error().message);
  return statement;
}

}  // namespace

Result<SentRegistration> read_registration(const std::string& body, const protocol::RegisterHead& head,
                                           const crypto::StatementRule& rule) {
  if (std::cmp_not_equal(body.size(), head.body_bytes) || crypto::sha256(as_bytes(body)) != head.body_sha256)
    return not_announced("the body is not the one that");
  const auto statement = statement_in(body);
  if (!statement) return tl::unexpected(statement.error());
  auto claims = protocol::register_claims_from(*statement->claims, kWhere);
  if (!claims) return tl::unexpected(claims.error());
  if (claims->nonce != head.nonce || claims->signing_key != head.signing_key || claims->vm_name != head.vm_name)
    return not_announced("nonce, key or VM name are not those that");
  const auto signed_by = crypto::verify_statement(*statement, claims->signing_key, rule);
  if (!signed_by) return wrap(signed_by.error(), "cannot register");
  const auto hashed = protocol::hashed_claims(*statement->claims);
  if (!hashed) return tl::unexpected(hashed.error());
  return SentRegistration{*std::move(claims), *hashed};
}

}  // namespace dd::cp
