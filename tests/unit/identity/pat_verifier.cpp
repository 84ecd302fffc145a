#include "libdd/identity/pat_verifier.hpp"

#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/support/run_task.hpp"
#include "tests/unit/identity/fake_github.hpp"

using namespace dd;
using identity::FakeGithub;
using test::http_answer;

namespace {

const Owner kUser{"alice", 7, OwnerKind::user};
const Owner kOrganisation{"acme", 40, OwnerKind::organisation};
const Owner kRepository{"acme/fleet", 900, OwnerKind::repository};

/// A verifier before a fake GitHub that knows alice (7), mallory (66) and what they may do at acme.
struct PatVerifierFixture {
  net::asio::io_context io;
  ManualClock clock{Clock::TimePoint(std::chrono::seconds(1'790'000'000))};
  FakeGithub github;
  std::shared_ptr<test::ScriptedTransport> transport =
      std::make_shared<test::ScriptedTransport>([this](const HttpRequest& r) { return github(r); });
  std::unique_ptr<identity::PatVerifier> verifier;

  explicit PatVerifierFixture(Owner owner) {
    identity::PatVerifierOptions options;
    options.api_url = identity::kApi;
    options.owner = std::move(owner);
    verifier = std::make_unique<identity::PatVerifier>(io.get_executor(), transport, clock, std::move(options));
    github.user("ghp_alice", "alice", 7);
    github.user("ghp_mallory", "mallory", 66);
    github.answer("ghp_alice", "/user/memberships/orgs/acme", membership("active", "member", 40));
    github.answer("ghp_alice", "/repos/acme/fleet", repository(900, R"({"admin":false,"push":true,"pull":true})"));
    // Public: readable by every token, as GitHub answers it.
    github.answer("ghp_mallory", "/repos/acme/fleet",
                  repository(900, R"({"admin":false,"maintain":false,"push":false,"triage":false,"pull":true})"));
    github.answer("ghp_mallory", "/repos/alice/dd", repository(901, R"({"pull":true})"));
  }

  static std::string membership(const std::string& state, const std::string& role, int id) {
    return R"({"state":")" + state + R"(","role":")" + role + R"(","organization":{"login":"acme","id":)" +
           std::to_string(id) + R"(},"user":{"login":"alice","id":7}})";
  }
  static std::string repository(int id, const std::string& permissions) {
    return R"({"id":)" + std::to_string(id) + R"(,"full_name":"acme/fleet")" +
           (permissions.empty() ? "" : R"(,"permissions":)" + permissions) + "}";
  }

  Result<Principal> verify(const char* token) { return test::run(io, verifier->verify(Secret(token), "client")); }
  auto begin(const std::string& token, std::string client) {
    return test::start(io, verifier->verify(Secret(token), std::move(client)));
  }
  ErrorCode refusal(const char* token) {
    const auto principal = verify(token);
    REQUIRE_FALSE(principal.has_value());
    return principal.error().code;
  }
};

using Check = std::shared_ptr<test::Started<Result<Principal>>>;
using Checks = std::vector<Check>;

/// Refused at once, for now.
void check_limited(const Check& check) {
  REQUIRE(check->result.has_value());
  REQUIRE_FALSE(check->result->has_value());
  CHECK(check->result->error().code == ErrorCode::rate_limited);
  CHECK(check->result->error().retry_after == std::chrono::seconds(1));
}

}  // namespace

TEST_CASE("the owner's token is good, and says who acts and by what right") {
  const struct {
    Owner owner;
    const char* role;
  } cases[] = {{kUser, "owner"}, {kOrganisation, "member"}, {kRepository, "push"}};
  for (const auto& c : cases) {
    CAPTURE(c.owner.login);
    PatVerifierFixture f(c.owner);
    const auto principal = f.verify("ghp_alice");
    REQUIRE(principal.has_value());
    CHECK(principal->login == "alice");
    CHECK(principal->id == 7);
    CHECK(principal->role == c.role);
  }
}

TEST_CASE("a stranger's token is refused although the owner's repository is public") {
  for (const auto& owner : {kUser, kOrganisation, kRepository}) {
    CAPTURE(owner.login);
    PatVerifierFixture f(owner);
    CHECK(f.refusal("ghp_mallory") == ErrorCode::permission_denied);
  }
}

TEST_CASE("a token that GitHub does not know is unauthenticated") {
  for (const auto& owner : {kUser, kOrganisation, kRepository}) {
    CAPTURE(owner.login);
    PatVerifierFixture f(owner);
    CHECK(f.refusal("ghp_revoked") == ErrorCode::unauthenticated);
  }
}

TEST_CASE("a name that somebody else has now does not pass for its old holder") {
  PatVerifierFixture user(kUser);
  user.github.user("ghp_heir", "alice", 8);
  CHECK(user.refusal("ghp_heir") == ErrorCode::permission_denied);

  PatVerifierFixture organisation(kOrganisation);
  organisation.github.answer("ghp_alice", "/user/memberships/orgs/acme",
                             PatVerifierFixture::membership("active", "admin", 41));
  CHECK(organisation.refusal("ghp_alice") == ErrorCode::permission_denied);

  PatVerifierFixture repository(kRepository);
  repository.github.answer("ghp_alice", "/repos/acme/fleet", PatVerifierFixture::repository(902, R"({"push":true})"));
  CHECK(repository.refusal("ghp_alice") == ErrorCode::permission_denied);
}

TEST_CASE("an owner who renamed the account is still the owner") {
  PatVerifierFixture f(kUser);
  f.github.user("ghp_alice", "alice-new", 7);
  const auto principal = f.verify("ghp_alice");
  REQUIRE(principal.has_value());
  CHECK(principal->login == "alice-new");
}

TEST_CASE("without a configured id the whole login counts, without case") {
  PatVerifierFixture f(Owner{"Alice", 0, OwnerKind::user});
  CHECK(f.verify("ghp_alice").has_value());
  f.github.user("ghp_longer", "alice2", 9);
  CHECK(f.refusal("ghp_longer") == ErrorCode::permission_denied);
}

TEST_CASE("a membership counts when it is active and of a role that acts") {
  const struct {
    const char* state;
    const char* role;
    bool good;
  } cases[] = {
      {"active", "member", true},           {"active", "admin", true},   {"pending", "admin", false},
      {"active", "billing_manager", false}, {"Active", "member", false},
  };
  for (const auto& c : cases) {
    CAPTURE(c.state);
    CAPTURE(c.role);
    PatVerifierFixture f(kOrganisation);
    f.github.answer("ghp_alice", "/user/memberships/orgs/acme", PatVerifierFixture::membership(c.state, c.role, 40));
    CHECK(f.verify("ghp_alice").has_value() == c.good);
  }
}

TEST_CASE("a repository takes a permission to write that is plainly true") {
  const struct {
    const char* name;
    const char* permissions;
    bool good;
  } cases[] = {
      {"push", R"({"push":true})", true},
      {"maintain", R"({"push":false,"maintain":true})", true},
      {"admin", R"({"admin":true})", true},
      {"triage", R"({"triage":true})", false},
      {"none listed", "{}", false},
      {"no permissions member", "", false},
      {"text", R"({"push":"true"})", false},
      {"array", R"(["push"])", false},
      {"null", "null", false},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    PatVerifierFixture f(kRepository);
    f.github.answer("ghp_alice", "/repos/acme/fleet", PatVerifierFixture::repository(900, c.permissions));
    CHECK(f.verify("ghp_alice").has_value() == c.good);
  }
}

TEST_CASE("a workflow's token is refused although it may push") {
  PatVerifierFixture f(kRepository);
  // No ghs_ in front: the refusal must not hang on a prefix.
  f.github.answer("v1.workflow", "/user", http_answer(403, R"({"message":"Resource not accessible by integration"})"));
  f.github.answer("v1.workflow", "/repos/acme/fleet", PatVerifierFixture::repository(900, R"({"push":true})"));
  CHECK(f.refusal("v1.workflow") == ErrorCode::permission_denied);
}

TEST_CASE("tokens that cannot be a person's are refused without asking GitHub") {
  PatVerifierFixture f(kUser);
  for (const auto* token :
       {"", "with space", "line\nbreak", "gho_app", "ghu_app", "ghs_installation", "ghr_refresh", "ghp_\xc3\xa9"}) {
    CAPTURE(token);
    CHECK(f.refusal(token) == ErrorCode::unauthenticated);
  }
  CHECK(f.refusal(std::string(1025, 'a').c_str()) == ErrorCode::unauthenticated);
  CHECK(f.transport->requests.empty());
}

TEST_CASE("GitHub's troubles are nobody's fault: unavailable, and asked again next time") {
  const struct {
    const char* name;
    Result<HttpResponse> outage;
  } cases[] = {
      {"server error", http_answer(500, "")},
      {"timeout", fail(ErrorCode::deadline_exceeded, "cannot reach api.github.test: no answer in 5000 ms")},
      {"no connection", fail(ErrorCode::unavailable, "cannot reach api.github.test: connection refused")},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    PatVerifierFixture f(kUser);
    f.github.set_outage(c.outage);
    CHECK(f.refusal("ghp_alice") == ErrorCode::unavailable);
    CHECK(f.refusal("ghp_mallory") == ErrorCode::unavailable);
    f.github.reset();
    CHECK(f.verify("ghp_alice").has_value());
    CHECK(f.refusal("ghp_mallory") == ErrorCode::permission_denied);
  }
}

TEST_CASE("of a token that GitHub limits it is not asked again before that is over, and of others it is") {
  PatVerifierFixture f(kUser);
  f.github.set_outage(http_answer(429, "{}", {{"Retry-After", "90"}}));
  CHECK(f.refusal("ghp_alice") == ErrorCode::unavailable);
  f.github.reset();
  f.clock.advance(std::chrono::seconds(89));
  const auto asked = f.transport->requests.size();
  const auto limited = f.verify("ghp_alice");
  REQUIRE_FALSE(limited.has_value());
  CHECK(limited.error().retry_after == std::chrono::seconds(1));
  CHECK(f.transport->requests.size() == asked);
  // Who spends a limit of their own does not lock others out.
  CHECK(f.refusal("ghp_mallory") == ErrorCode::permission_denied);
  f.clock.advance(std::chrono::seconds(1));
  CHECK(f.verify("ghp_alice").has_value());
}

TEST_CASE("an answer that makes no sense is upstream's fault and grants nothing") {
  for (const auto* body : {"[]", "{}", R"({"login":"alice"})", R"({"login":"alice","id":"7"})",
                           R"({"login":"alice","id":7.0})", R"({"login":7,"id":7})"}) {
    CAPTURE(body);
    PatVerifierFixture f(kUser);
    f.github.answer("ghp_alice", "/user", std::string(body));
    CHECK(f.refusal("ghp_alice") == ErrorCode::upstream);
  }
}

TEST_CASE("a good token keeps working for five minutes when GitHub is down, and no longer") {
  PatVerifierFixture f(kUser);
  REQUIRE(f.verify("ghp_alice").has_value());
  f.github.set_outage(http_answer(503, ""));
  f.clock.advance(std::chrono::seconds(299));
  CHECK(f.verify("ghp_alice").has_value());
  CHECK(f.transport->requests.size() == 1);
  f.clock.advance(std::chrono::seconds(1));
  CHECK(f.refusal("ghp_alice") == ErrorCode::unavailable);
}

TEST_CASE("a refused token is asked about once a minute") {
  PatVerifierFixture f(kUser);
  for (int i = 0; i < 5; ++i) CHECK(f.refusal("ghp_mallory") == ErrorCode::permission_denied);
  CHECK(f.transport->requests.size() == 1);
  f.clock.advance(std::chrono::seconds(60));
  CHECK(f.refusal("ghp_mallory") == ErrorCode::permission_denied);
  CHECK(f.transport->requests.size() == 2);
}

TEST_CASE("equal checks at the same time share one question, different ones do not") {
  PatVerifierFixture f(kUser);
  f.transport->hold();
  std::vector<std::shared_ptr<test::Started<Result<Principal>>>> alices;
  for (int i = 0; i < 10; ++i) alices.push_back(test::start(f.io, f.verifier->verify(Secret("ghp_alice"), "client")));
  const auto mallory = test::start(f.io, f.verifier->verify(Secret("ghp_mallory"), "client"));
  test::settle(f.io);
  CHECK(f.transport->requests.size() == 2);
  f.transport->release();
  test::settle(f.io);
  for (const auto& alice : alices) {
    REQUIRE(alice->result.has_value());
    CHECK(alice->result->has_value());
  }
  REQUIRE(mallory->result.has_value());
  CHECK_FALSE(mallory->result->has_value());
}

TEST_CASE("strangers cannot make it ask GitHub without bound, one of them not for all") {
  PatVerifierFixture f(kUser);
  f.transport->hold();
  Checks checks;
  for (int i = 0; i < 10; ++i) checks.push_back(f.begin("ghp_" + std::to_string(i), "one"));
  test::settle(f.io);
  CHECK(f.transport->requests.size() == 4);
  check_limited(checks.back());
  for (int i = 10; i < 100; ++i) checks.push_back(f.begin("ghp_" + std::to_string(i), std::to_string(i / 2)));
  test::settle(f.io);
  CHECK(f.transport->requests.size() == 32);
  check_limited(checks.back());
  f.transport->release();
  test::settle(f.io);
  CHECK(f.verify("ghp_alice").has_value());
}

TEST_CASE("strangers do not keep out a token that was good before") {
  PatVerifierFixture f(kUser);
  REQUIRE(f.verify("ghp_alice").has_value());
  f.clock.advance(std::chrono::seconds(301));
  f.transport->hold();
  Checks strangers;
  for (int i = 0; i < 40; ++i) strangers.push_back(f.begin("ghp_" + std::to_string(i), std::to_string(i)));
  const auto alice = f.begin("ghp_alice", "0");
  test::settle(f.io);
  f.transport->release();
  test::settle(f.io);
  REQUIRE(alice->result.has_value());
  CHECK(alice->result->has_value());
}

TEST_CASE("a token that is good no more has no place before strangers") {
  PatVerifierFixture f(kUser);
  REQUIRE(f.verify("ghp_alice").has_value());
  f.clock.advance(std::chrono::seconds(301));
  f.github.user("ghp_alice", "mallory", 999);
  REQUIRE_FALSE(f.verify("ghp_alice").has_value());
  f.clock.advance(std::chrono::seconds(61));
  f.transport->hold();
  Checks strangers;
  for (int i = 0; i < 40; ++i) strangers.push_back(f.begin("ghp_" + std::to_string(i), std::to_string(i)));
  const auto alice = f.begin("ghp_alice", "alice");
  test::settle(f.io);
  check_limited(alice);
  f.transport->release();
  test::settle(f.io);
}

TEST_CASE("the token goes into its header and nowhere else") {
  for (const auto& owner : {kUser, kOrganisation, kRepository}) {
    CAPTURE(owner.login);
    PatVerifierFixture f(owner);
    for (const auto* token : {"ghp_mallory", "ghp_revoked"}) {
      const auto refused = f.verify(token);
      REQUIRE_FALSE(refused.has_value());
      CHECK(refused.error().message.find("ghp_") == std::string::npos);
    }
    for (const auto& request : f.transport->requests) {
      CHECK(request.url.find("ghp_") == std::string::npos);
      CHECK(request.headers.find("User-Agent") != nullptr);
      REQUIRE(request.headers.find("Accept") != nullptr);
      CHECK(*request.headers.find("Accept") == "application/vnd.github+json");
      for (const auto& [name, value] : request.headers.all())
        if (name != "Authorization") CHECK(value.find("ghp_") == std::string::npos);
    }
  }
}

TEST_CASE("an owner's name cannot reach another path of the API") {
  PatVerifierFixture f(Owner{"../../user?x=", 0, OwnerKind::organisation});
  CHECK_FALSE(f.verify("ghp_alice").has_value());
  REQUIRE(f.transport->requests.size() == 1);
  CHECK(f.transport->requests[0].url == std::string(identity::kApi) + "/user/memberships/orgs/..%2F..%2Fuser%3Fx%3D");
  PatVerifierFixture repository(Owner{"acme", 0, OwnerKind::repository});
  CHECK(repository.refusal("ghp_alice") == ErrorCode::invalid_argument);
}
