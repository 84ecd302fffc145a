#include "libdd/crypto/statement.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace dd;
using namespace dd::crypto;

namespace {

using Json = nlohmann::json;

constexpr std::int64_t kNow = 1'700'000'000;
const StatementRule kRule{.typ = kPollTyp, .audience = "agent-1", .expiry = Expiry::required, .now = kNow};

const OkpPrivateKey& statement_key() {
  static const auto made = OkpPrivateKey::generate(Curve::ed25519, system_random());
  return made;
}

Json good_claims() { return {{"aud", "agent-1"}, {"iat", kNow}, {"exp", kNow + 60}, {"iss", "https://cp.example"}}; }

Json with(const char* name, Json value) {
  auto claims = good_claims();
  claims[name] = std::move(value);
  return claims;
}

Json without(const char* name) {
  auto claims = good_claims();
  claims.erase(name);
  return claims;
}

/// Any header over good claims, with a good signature.
std::string with_header(const Json& header) {
  const auto input = to_base64url(as_bytes(header.dump())) + "." + to_base64url(as_bytes(good_claims().dump()));
  return input + "." + to_base64url(statement_key().sign(as_bytes(input)));
}

Result<void> check(const std::string& compact, const StatementRule& rule = kRule) {
  const auto statement = parse_statement(compact, rule.typ);
  if (!statement) return tl::unexpected(statement.error());
  return verify_statement(*statement, statement_key().public_key(), rule);
}

void check_refused(const std::string& name, const Result<void>& verified, const std::string& message) {
  CAPTURE(name);
  REQUIRE_FALSE(verified.has_value());
  CHECK(verified.error().code == ErrorCode::unauthenticated);
  CHECK(verified.error().reason == "signature_invalid");
  CHECK(verified.error().message == message);
}

}  // namespace

TEST_CASE("a statement of the right kind, for the right reader and in time is accepted") {
  CHECK(check(sign_jws(statement_key(), kPollTyp, good_claims())).has_value());
  CHECK(check(sign_jws(statement_key(), kPollTyp, with("iat", kNow + 60))).has_value());
  CHECK(check(sign_jws(statement_key(), kPollTyp, with("iat", 0))).has_value());
  CHECK(check(sign_jws(statement_key(), kPollTyp, with("exp", kNow + 1))).has_value());
}

TEST_CASE("claims of a statement are checked exactly") {
  const struct {
    const char* name;
    Json claims;
    const char* message;
  } cases[] = {
      {"another audience", with("aud", "agent-2"), "cannot accept dd-poll+jwt: it is for another audience"},
      {"an audience that starts the right one", with("aud", "agent-"),
       "cannot accept dd-poll+jwt: it is for another audience"},
      {"an audience that the right one starts", with("aud", "agent-1.evil"),
       "cannot accept dd-poll+jwt: it is for another audience"},
      {"another case", with("aud", "Agent-1"), "cannot accept dd-poll+jwt: it is for another audience"},
      {"a list of audiences", with("aud", {"agent-1"}),
       "cannot accept dd-poll+jwt: cannot read $.aud: want a text of 0..4096 bytes"},
      {"no audience", without("aud"),
       "cannot accept dd-poll+jwt: cannot read $.aud: missing, want a text of 0..4096 bytes"},
      {"issued in the future", with("iat", kNow + 61), "cannot accept dd-poll+jwt: it was issued in the future"},
      {"issued at the end of time", with("iat", std::int64_t{1} << 53),
       "cannot accept dd-poll+jwt: it was issued in the future"},
      {"issued after all time", with("iat", (std::uint64_t{1} << 53) + 1),
       "cannot accept dd-poll+jwt: cannot read $.iat: want an integer in 0..9007199254740992"},
      {"issued before 1970", with("iat", -1),
       "cannot accept dd-poll+jwt: cannot read $.iat: want an integer in 0..9007199254740992"},
      {"issued at a fraction", with("iat", 1.5),
       "cannot accept dd-poll+jwt: cannot read $.iat: want an integer in 0..9007199254740992"},
      {"issued at a text", with("iat", std::to_string(kNow)),
       "cannot accept dd-poll+jwt: cannot read $.iat: want an integer in 0..9007199254740992"},
      {"never issued", without("iat"),
       "cannot accept dd-poll+jwt: cannot read $.iat: missing, want an integer in 0..9007199254740992"},
      {"expired", with("exp", kNow), "cannot accept dd-poll+jwt: it has expired"},
      {"expired long ago", with("exp", 0), "cannot accept dd-poll+jwt: it has expired"},
      {"expires at a text", with("exp", std::to_string(kNow + 60)),
       "cannot accept dd-poll+jwt: cannot read $.exp: want an integer in 0..9007199254740992"},
      {"never expires", without("exp"), "cannot accept dd-poll+jwt: exp is missing"},
      {"expires at null", with("exp", nullptr), "cannot accept dd-poll+jwt: exp is missing"},
  };
  for (const auto& c : cases) check_refused(c.name, check(sign_jws(statement_key(), kPollTyp, c.claims)), c.message);
}

TEST_CASE("a statement that need not expire may, and then it does") {
  auto rule = kRule;
  rule.expiry = Expiry::absent;
  CHECK(check(sign_jws(statement_key(), kPollTyp, without("exp")), rule).has_value());
  CHECK(check(sign_jws(statement_key(), kPollTyp, good_claims()), rule).has_value());
  check_refused("expired", check(sign_jws(statement_key(), kPollTyp, with("exp", kNow)), rule),
                "cannot accept dd-poll+jwt: it has expired");
}

TEST_CASE("a header says alg, kid and typ, and nothing else") {
  const auto kid = statement_key().public_key().kid();
  const auto only_three = "cannot accept dd-poll+jwt: its header must hold alg, kid and this typ, and nothing else";
  CHECK(check(with_header({{"alg", "EdDSA"}, {"kid", kid}, {"typ", kPollTyp}})).has_value());
  check_refused("a member more", check(with_header({{"alg", "EdDSA"}, {"kid", kid}, {"typ", kPollTyp}, {"x", 1}})),
                only_three);
  check_refused(
      "a key of its own",
      check(with_header(
          {{"alg", "EdDSA"}, {"kid", kid}, {"typ", kPollTyp}, {"jwk", statement_key().public_key().to_jwk()}})),
      only_three);
  check_refused("no typ", check(with_header({{"alg", "EdDSA"}, {"kid", kid}})), only_three);
  check_refused("another member for typ", check(with_header({{"alg", "EdDSA"}, {"kid", kid}, {"x", kPollTyp}})),
                only_three);
  check_refused("the general typ", check(with_header({{"alg", "EdDSA"}, {"kid", kid}, {"typ", "JWT"}})), only_three);
}

TEST_CASE("a statement of one kind never passes for another") {
  const std::string_view kinds[] = {kRegisterTyp, kRegisterHeadTyp, kCallTyp,    kPollTyp,   kProofTyp,
                                    kJoinTyp,     kSessionTyp,      kHandoffTyp, kCookieTyp, kHolderTyp};
  for (const auto made : kinds) {
    CAPTURE(made);
    const auto compact = sign_jws(statement_key(), made, good_claims());
    for (const auto wanted : kinds) {
      CAPTURE(wanted);
      auto rule = kRule;
      rule.typ = wanted;
      CHECK(check(compact, rule).has_value() == (made == wanted));
    }
    auto rule = kRule;
    rule.typ = made == kPollTyp ? kCallTyp : kPollTyp;
    check_refused("parsed as one, verified as another",
                  verify_statement(parse_statement(compact, made).value(), statement_key().public_key(), rule),
                  "cannot accept " + std::string(rule.typ) + ": it is a statement of another kind");
  }
}

TEST_CASE("a statement is its key's alone") {
  const auto compact = sign_jws(statement_key(), kPollTyp, good_claims());
  const auto statement = parse_statement(compact, kPollTyp).value();
  const auto other = OkpPrivateKey::generate(Curve::ed25519, system_random());
  check_refused("another key", verify_statement(statement, other.public_key(), kRule),
                "cannot accept dd-poll+jwt: it names another key");

  auto renamed = statement;
  renamed.kid = other.public_key().kid();
  check_refused("another key under its own name", verify_statement(renamed, other.public_key(), kRule),
                "cannot accept dd-poll+jwt: its signature does not verify");
  const OkpPublicKey sealing(Curve::x25519, statement_key().public_key().raw());
  renamed.kid = sealing.kid();
  check_refused("the same bytes as a sealing key", verify_statement(renamed, sealing, kRule),
                "cannot accept dd-poll+jwt: its signature does not verify");
}

TEST_CASE("a registration may be larger than other statements") {
  auto claims = with("event_log", std::string(100'000, 'x'));
  CHECK(parse_statement(sign_jws(statement_key(), kRegisterTyp, claims), kRegisterTyp).has_value());
  const auto refused = parse_statement(sign_jws(statement_key(), kPollTyp, claims), kPollTyp);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == ErrorCode::too_large);
}

TEST_CASE("a refusal does not repeat what the statement says") {
  const auto verified = check(sign_jws(statement_key(), kPollTyp, with("aud", "sneaked\ninto the log")));
  REQUIRE_FALSE(verified.has_value());
  CHECK(verified.error().message.find("sneaked") == std::string::npos);
}
