#include "libdd/identity/owner_lookup.hpp"

#include <doctest/doctest.h>

#include "tests/support/scripted_transport.hpp"

using namespace dd;
using namespace dd::identity;

namespace {

struct Github {
  std::string url;
  Result<HttpResponse> answer = test::http_answer(200, R"({"login":"octo","id":42,"type":"User"})");
  test::ScriptedTransport transport{[this](const HttpRequest& request) {
    url = request.url;
    return answer;
  }};
  Result<Owner> look_up(const std::string& login, OwnerKind kind = OwnerKind::user) {
    return look_up_owner(transport, "https://api.github.example", {login, 0, kind});
  }
};

}  // namespace

TEST_CASE("an owner is looked up by login, and GitHub says what it is") {
  Github github;
  CHECK(github.look_up("octo").value() == Owner{"octo", 42, OwnerKind::user});
  CHECK(github.url == "https://api.github.example/users/octo");
  github.answer = test::http_answer(200, R"({"login":"acme","id":7,"type":"Organization"})");
  CHECK(github.look_up("acme").value() == Owner{"acme", 7, OwnerKind::organisation});
  github.answer = test::http_answer(200, R"({"full_name":"acme/fleet","id":8})");
  CHECK(github.look_up("acme/fleet", OwnerKind::repository).value() == Owner{"acme/fleet", 8, OwnerKind::repository});
  CHECK(github.url == "https://api.github.example/repos/acme/fleet");
}

TEST_CASE("an owner that cannot be looked up is none") {
  const struct {
    Result<HttpResponse> answer;
    ErrorCode code;
  } rows[] = {
      {test::http_answer(404, R"({"message":"Not Found"})"), ErrorCode::not_found},
      {test::http_answer(502, ""), ErrorCode::upstream},
      {test::http_answer(200, "<html>"), ErrorCode::upstream},
      {test::http_answer(200, R"({"login":"octo","id":"42","type":"User"})"), ErrorCode::upstream},
      {test::http_answer(200, R"({"login":"octo","id":0,"type":"User"})"), ErrorCode::upstream},
      {fail(ErrorCode::unavailable, "cannot connect"), ErrorCode::unavailable},
  };
  for (const auto& row : rows) {
    Github github;
    github.answer = row.answer;
    const auto owner = github.look_up("octo");
    REQUIRE_FALSE(owner.has_value());
    CAPTURE(owner.error().message);
    CHECK(owner.error().code == row.code);
    CHECK(owner.error().message.starts_with("cannot look up owner octo"));
  }
}

TEST_CASE("an owner that has its id is left alone") {
  Github github;
  Owner known{"octo", 1, OwnerKind::organisation};
  REQUIRE(complete_owner(github.transport, "https://api.github.example", known).has_value());
  CHECK(known == Owner{"octo", 1, OwnerKind::organisation});
  CHECK(github.url.empty());
  Owner named{"octo", 0, OwnerKind::user};
  REQUIRE(complete_owner(github.transport, "https://api.github.example", named).has_value());
  CHECK(named.id == 42);
}
