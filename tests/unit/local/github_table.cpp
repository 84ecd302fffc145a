#include "libdd/local/github_table.hpp"

#include <string>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "tests/unit/local/example_table.hpp"

using namespace dd::local;
using nlohmann::json;

namespace {

const GithubTable kTable = example_table();

json body_of(const dd::net::ServerResponse& response) { return json::parse(response.body); }

}  // namespace

TEST_CASE("a user's token says who it is, a workflow's and an unknown one do not") {
  const auto alice = answer_user(kTable, "ghp_alice");
  CHECK(alice.status == 200);
  CHECK(body_of(alice) == json{{"login", "alice"}, {"id", 7}, {"type", "User"}});
  CHECK(answer_user(kTable, "workflow-of-fleet").status == 403);
  CHECK(answer_user(kTable, "ghp_nobody").status == 401);
  CHECK(body_of(answer_user(kTable, "ghp_nobody"))["message"] == "Bad credentials");
  CHECK(answer_user(kTable, "").status == 401);
}

TEST_CASE("a membership is told to members only, with its state") {
  const auto alice = answer_membership(kTable, "ghp_alice", "ACME");
  CHECK(alice.status == 200);
  CHECK(body_of(alice)["state"] == "active");
  CHECK(body_of(alice)["role"] == "admin");
  CHECK(body_of(alice)["organization"]["id"] == 40);
  CHECK(body_of(alice)["user"]["login"] == "alice");
  CHECK(body_of(answer_membership(kTable, "ghp_bob", "acme"))["state"] == "pending");
  CHECK(answer_membership(kTable, "ghp_mallory", "acme").status == 403);
  CHECK(answer_membership(kTable, "ghp_alice", "elsewhere").status == 404);
  CHECK(answer_membership(kTable, "workflow-of-fleet", "acme").status == 403);
  CHECK(answer_membership(kTable, "ghp_nobody", "acme").status == 401);
}

TEST_CASE("a public repository is readable by all, and says who may push") {
  const struct {
    const char* token;
    int status;
    const char* push;
  } cases[] = {
      {"ghp_alice", 200, "true"}, {"ghp_mallory", 200, "false"}, {"workflow-of-fleet", 200, "true"},
      {"", 200, "absent"},        {"ghp_nobody", 401, "absent"},
  };
  for (const auto& c : cases) {
    CAPTURE(c.token);
    const auto answer = answer_repository(kTable, c.token, "acme/fleet");
    CHECK(answer.status == c.status);
    const auto body = body_of(answer);
    CHECK((body.contains("permissions") ? body["permissions"]["push"].dump() : "absent") == c.push);
  }
}

TEST_CASE("a private repository is hidden from those who may not write") {
  CHECK(answer_repository(kTable, "ghp_alice", "acme/secret").status == 200);
  for (const auto* token : {"ghp_mallory", "workflow-of-fleet", ""})
    CHECK(answer_repository(kTable, token, "acme/secret").status == 404);
  CHECK(answer_repository(kTable, "ghp_alice", "acme/none").status == 404);
}

TEST_CASE("accounts are found by login, organisations too") {
  CHECK(body_of(answer_account(kTable, "", "Alice"))["id"] == 7);
  CHECK(body_of(answer_account(kTable, "ghp_mallory", "acme"))["type"] == "Organization");
  CHECK(answer_account(kTable, "", "nobody").status == 404);
  CHECK(answer_account(kTable, "ghp_nobody", "alice").status == 401);
}
