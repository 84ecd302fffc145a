#include "libdd/enclave_client/answer.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace dd;

TEST_CASE("an answer that says ok is the object itself") {
  const auto answer = enclave_client::answer_from(R"({"ok":true,"id":"7"})");
  REQUIRE(answer.has_value());
  CHECK(answer->at("id") == "7");
}

TEST_CASE("a refusal keeps what the runtime said") {
  const auto answer = enclave_client::answer_from(
      R"({"ok":false,"error":"cannot deploy dd-agent","code":"conflict","reason":"reserved_name","path":"$.app_name"})");
  REQUIRE_FALSE(answer.has_value());
  CHECK(answer.error() == Error{ErrorCode::conflict, "cannot deploy dd-agent", "$.app_name", "reserved_name"});
}

TEST_CASE("a refusal of a runtime without codes") {
  const struct {
    const char* name;
    const char* line;
    ErrorCode code;
  } cases[] = {
      {"the token gate", R"({"ok":false,"error":"unauthenticated"})", ErrorCode::unauthenticated},
      {"anything else", R"({"ok":false,"error":"deployment not found"})", ErrorCode::internal},
      {"a failed quote, with its extra member", R"({"ok":false,"error":"no","attestation_type":"tdx"})",
       ErrorCode::internal},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    const auto answer = enclave_client::answer_from(c.line);
    REQUIRE_FALSE(answer.has_value());
    CHECK(answer.error().code == c.code);
  }
}

TEST_CASE("a line that is no answer is the runtime's fault") {
  for (const char* line : {"", "nonsense", "[]", "{}", R"({"ok":"true"})", R"({"ok":1})", R"({"ok":false})",
                           R"({"ok":true,"ok":false})"}) {
    CAPTURE(line);
    const auto answer = enclave_client::answer_from(line);
    REQUIRE_FALSE(answer.has_value());
    CHECK(answer.error().code == ErrorCode::upstream);
  }
}
