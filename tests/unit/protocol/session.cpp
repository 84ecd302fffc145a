#include "libdd/protocol/session.hpp"

#include <doctest/doctest.h>

#include "libdd/core/json.hpp"
#include "tests/unit/protocol/samples.hpp"

using namespace dd;
using namespace dd::protocol;

namespace {

SessionClaims session() { return {"dd-test-agent-1", "octo", 42, 1000, 1600, "id-1", {}}; }
HandoffClaims handoff() { return {session(), samples::filled(7), 4600}; }

std::string names(const Json& value) {
  std::string out;
  for (const auto& [name, member] : value.items()) out += name + " ";
  return out;
}

}  // namespace

TEST_CASE("sessions and hand-offs have the claims that docs/wire.md lists, and are read back as they were written") {
  CHECK(names(to_json_value(session())) == "aud exp iat jti sub user_id ");
  CHECK(names(to_json_value(handoff())) == "aud browser_sha256 exp iat jti session_exp sub user_id ");
  CHECK(session_claims_from(to_json_value(session())).value() == session());
  auto derived = session();
  derived.from = {"id-0", "id-9"};
  CHECK(names(to_json_value(derived)) == "aud exp from iat jti sub user_id ");
  CHECK(session_claims_from(to_json_value(derived)).value() == derived);
  CHECK(handoff_claims_from(to_json_value(handoff())).value() == handoff());
}

TEST_CASE("claims of a session or hand-off that are not well formed are refused with their path") {
  const struct {
    const char* name;
    const char* member;
    Json value;
  } cases[] = {
      {"for nobody in particular", "aud", ""},
      {"for several", "aud", Json::array({"dd-test-agent-1"})},
      {"of nobody", "sub", ""},
      {"of somebody with an endless name", "sub", std::string(129, 'a')},
      {"of a name without its number", "user_id", nullptr},
      {"of number zero, which is no user's", "user_id", 0},
      {"of a number as text", "user_id", "42"},
      {"without a beginning", "iat", nullptr},
      {"without an end", "exp", nullptr},
      {"without an id to spend", "jti", ""},
      {"from something that is no list", "from", "id-0"},
      {"from more than there can be", "from", std::vector<std::string>(10, "id-0")},
      {"of no browser", "browser_sha256", nullptr},
      {"of half a browser", "browser_sha256", "AAAA"},
      {"of an endless sign-in", "session_exp", nullptr},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    auto value = to_json_value(handoff());
    value[c.member] = c.value;
    const auto read = handoff_claims_from(value);
    REQUIRE_FALSE(read.has_value());
    CHECK(read.error().path.starts_with(std::string("$.") + c.member));
  }
}
