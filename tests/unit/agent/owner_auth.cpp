#include "libdd/agent/owner_auth.hpp"

#include <doctest/doctest.h>

#include "tests/support/check_error.hpp"
#include "tests/unit/agent/room.hpp"

using namespace dd;
using namespace dd::agent;
using namespace dd::test;

namespace {

struct Guarded : Room {
  net::Authenticate authenticate = owner_only(context);

  Guarded() { join(); }
  Result<std::string> as(const std::string& token) { return with(test::bearer(token)); }
  Result<std::string> with(HttpHeaders headers) {
    net::ServerRequest request;
    request.headers = std::move(headers);
    return run(authenticate(request));
  }
  [[nodiscard]] Json session() const {
    return {{"aud", kAgentId},
            {"iat", clock.unix_seconds()},
            {"exp", clock.unix_seconds() + 600},
            {"sub", "octo"},
            {"user_id", 42},
            {"jti", "1"}};
  }
};

}  // namespace

TEST_CASE("the owner's PAT opens, a stranger's and nobody's do not") {
  Guarded f;
  CHECK(f.as(kOwnerPat).value() == "octo");
  check_error(f.as("ghp_stranger"), ErrorCode::permission_denied);
  check_error(f.as("ghp_nobody"), ErrorCode::unauthenticated);
  check_error(f.with({}), ErrorCode::unauthenticated);
}

TEST_CASE("a PAT that was good is remembered while GitHub is down, for five minutes") {
  Guarded f;
  REQUIRE(f.as(kOwnerPat).has_value());
  f.github.set_outage(fail(ErrorCode::unavailable, "cannot connect"));
  f.clock.advance(std::chrono::seconds(299));
  CHECK(f.as(kOwnerPat).has_value());
  f.clock.advance(std::chrono::seconds(2));
  check_error(f.as(kOwnerPat), ErrorCode::unavailable);
}

TEST_CASE("a session of the control plane opens this agent, without GitHub") {
  Guarded f;
  f.github.set_outage(fail(ErrorCode::unavailable, "cannot connect"));
  CHECK(f.as(f.by_cp(crypto::kSessionTyp, f.session())).value() == "octo");
}

TEST_CASE("a session that is not for this agent, not in time or not the control plane's is refused") {
  Guarded f;
  const auto good = f.session();
  const auto changed = [&good](const char* name, const Json& value) {
    auto claims = good;
    claims[name] = value;
    return claims;
  };
  const auto other = crypto::OkpPrivateKey::generate(crypto::Curve::ed25519, system_random());
  const std::pair<std::string, std::string> rows[] = {
      {"another agent's", f.by_cp(crypto::kSessionTyp, changed("aud", "dd-test-agent-2"))},
      {"for several agents", f.by_cp(crypto::kSessionTyp, changed("aud", Json::array({kAgentId})))},
      {"expired", f.by_cp(crypto::kSessionTyp, changed("exp", f.clock.unix_seconds()))},
      {"without an end", f.by_cp(crypto::kSessionTyp, changed("exp", Json()))},
      {"from the future", f.by_cp(crypto::kSessionTyp, changed("iat", f.clock.unix_seconds() + 61))},
      {"for nobody", f.by_cp(crypto::kSessionTyp, changed("sub", ""))},
      {"for a number", f.by_cp(crypto::kSessionTyp, changed("sub", 42))},
      {"for a name alone", f.by_cp(crypto::kSessionTyp, changed("user_id", Json()))},
      {"a hand-off", f.by_cp(crypto::kHandoffTyp, good)},
      {"signed by another key", crypto::sign_jws(other, crypto::kSessionTyp, good)},
      {"a join ticket", f.by_cp(crypto::kJoinTyp, good)},
      {"a poll", f.by_cp(crypto::kPollTyp, good)},
      {"no statement", "a.b.c"},
  };
  for (const auto& [name, token] : rows) {
    CAPTURE(name);
    check_error(f.as(token), ErrorCode::unauthenticated, "signature_invalid");
  }
  CHECK(f.transport->requests.empty());  // none of them went to GitHub
}

TEST_CASE("an agent that is not registered knows no session") {
  Guarded f;
  const auto session = f.by_cp(crypto::kSessionTyp, f.session());
  f.state.membership.reset();
  check_error(f.as(session), ErrorCode::unauthenticated, "signature_invalid");
}
