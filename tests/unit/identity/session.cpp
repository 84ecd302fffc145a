#include "libdd/identity/session.hpp"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "libdd/crypto/jws.hpp"
#include "libdd/crypto/statement.hpp"

using namespace dd;
using namespace dd::identity;
using Json = nlohmann::json;

namespace {

const Principal kOcto{"octo", 42, "owner"};

struct SessionFixture {
  ManualClock clock{Clock::TimePoint(std::chrono::seconds(1'790'000'000))};
  crypto::OkpPrivateKey key = crypto::OkpPrivateKey::generate(crypto::Curve::ed25519, system_random());
  protocol::SessionClaims claims =
      new_session(kOcto, "dd-test-agent-1", std::chrono::seconds(600), clock, system_random());

  [[nodiscard]] std::string sign(const Json& content, std::string_view typ = crypto::kSessionTyp) const {
    return crypto::sign_jws(key, typ, content);
  }
  [[nodiscard]] Json with(const char* name, Json value) const {
    auto content = protocol::to_json_value(claims);
    content[name] = std::move(value);
    return content;
  }
  [[nodiscard]] StatementReader reader() const { return {key.public_key(), "dd-test-agent-1", clock.unix_seconds()}; }
};

}  // namespace

TEST_CASE("a session says who, by name and number, for whom and until when") {
  SessionFixture f;
  CHECK(f.claims.login == "octo");
  CHECK(f.claims.user_id == 42);
  CHECK(f.claims.expires_at == f.claims.issued_at + 600);
  CHECK(f.claims.id.size() == 22);
  CHECK(verify_session(f.sign(protocol::to_json_value(f.claims)), f.reader()).value() == f.claims);
  const auto second = new_session(kOcto, "dd-test-agent-1", std::chrono::seconds(600), f.clock, system_random());
  CHECK(second.id != f.claims.id);
}

TEST_CASE("a session ends at its second") {
  SessionFixture f;
  const auto session = f.sign(protocol::to_json_value(f.claims));
  f.clock.advance(std::chrono::seconds(599));
  CHECK(verify_session(session, f.reader()).has_value());
  f.clock.advance(std::chrono::seconds(1));
  CHECK_FALSE(verify_session(session, f.reader()).has_value());
}

TEST_CASE("a session that is not ours, not for us or not whole is refused") {
  SessionFixture f;
  const auto good = protocol::to_json_value(f.claims);
  const auto other = crypto::OkpPrivateKey::generate(crypto::Curve::ed25519, system_random());
  auto altered = f.sign(good);
  altered[altered.find('.') + 5] ^= 1;
  const std::pair<const char*, std::string> attacks[] = {
      {"for another agent", f.sign(f.with("aud", "dd-test-agent-2"))},
      {"for the control plane", f.sign(f.with("aud", "https://app.dd.example"))},
      {"for everyone", f.sign(f.with("aud", Json::array({"dd-test-agent-1"})))},
      {"for an audience in upper case", f.sign(f.with("aud", "DD-TEST-AGENT-1"))},
      {"expired", f.sign(f.with("exp", f.clock.unix_seconds()))},
      {"endless", f.sign(f.with("exp", nullptr))},
      {"from the future", f.sign(f.with("iat", f.clock.unix_seconds() + 61))},
      {"without a number for its name", f.sign(f.with("user_id", nullptr))},
      {"without an id", f.sign(f.with("jti", nullptr))},
      {"a hand-off", f.sign(good, crypto::kHandoffTyp)},
      {"a join ticket", f.sign(good, crypto::kJoinTyp)},
      {"a poll", f.sign(good, crypto::kPollTyp)},
      {"by a key of the attacker", crypto::sign_jws(other, crypto::kSessionTyp, good)},
      {"with a bit changed", altered},
      {"without its signature", f.sign(good).substr(0, f.sign(good).rfind('.') + 1)},
      {"nothing", ""},
  };
  for (const auto& [name, compact] : attacks) {
    CAPTURE(name);
    const auto verified = verify_session(compact, f.reader());
    REQUIRE_FALSE(verified.has_value());
    CHECK(verified.error().code == ErrorCode::unauthenticated);
    CHECK(verified.error().reason == "signature_invalid");
  }
}

TEST_CASE("a hand-off is none without its browser, and a session is no hand-off") {
  SessionFixture f;
  const protocol::HandoffClaims handoff{f.claims, Digest256{std::byte{1}}, f.claims.issued_at + 3600};
  const auto content = protocol::to_json_value(handoff);
  CHECK(verify_handoff(f.sign(content, crypto::kHandoffTyp), f.reader()).value() == handoff);
  CHECK_FALSE(verify_handoff(f.sign(content, crypto::kSessionTyp), f.reader()).has_value());
  CHECK_FALSE(verify_handoff(f.sign(protocol::to_json_value(f.claims), crypto::kHandoffTyp), f.reader()).has_value());
}
