#include "libdd/agent/evidence_api.hpp"

#include <doctest/doctest.h>

#include "libdd/crypto/digest.hpp"
#include "tests/support/check_error.hpp"
#include "tests/unit/agent/room.hpp"

using namespace dd;
using namespace dd::agent;
using namespace dd::test;

namespace {

struct Attesting : Room {
  EvidenceApi api{context};
  net::Router router;

  Attesting() { api.add_routes(router); }
  Result<net::ServerResponse> attest(const std::string& query, const std::string& token = kOwnerPat) {
    return ask(router, {"GET", "/attest" + query, test::bearer(token), {}});
  }
};

std::string nonce_of(std::size_t size) { return "?nonce=" + to_base64url(Bytes(size, std::byte{5})); }

}  // namespace

TEST_CASE("evidence is bound to the caller's nonce under a tag of its own, with the whole log that was quoted") {
  Attesting f;
  f.capability.events.push_back(R"({"index":3,"type":"deploy"})");  // after the quote
  const auto answer = f.attest(nonce_of(16));
  const auto evidence = protocol::evidence_from(parse_json(answer.value().body).value()).value();
  REQUIRE(f.capability.quotes.size() == 1);
  CHECK(f.capability.quotes[0].tag == kAttestTag);
  CHECK(f.capability.quotes[0].fields == std::vector<Digest256>{crypto::sha256(Bytes(16, std::byte{5}))});
  CHECK(evidence.nonce == Bytes(16, std::byte{5}));
  CHECK(evidence.signing_key == f.state.keys.signing);
  CHECK(evidence.log.events.size() == 3);
  CHECK(evidence.quoted_events == 3);
  CHECK(evidence.ita_token == "a.b.c");
}

TEST_CASE("a nonce has 16 to 64 bytes, and nothing else is taken from a caller") {
  Attesting f;
  CHECK(f.attest(nonce_of(64)).has_value());
  for (const auto& query : {std::string(), std::string("?nonce="), nonce_of(15), nonce_of(65), nonce_of(16) + "="}) {
    CAPTURE(query);
    check_error_at(f.attest(query), ErrorCode::invalid_argument, "nonce");
  }
  check_error_at(f.attest(nonce_of(16) + "&report_data=AAAA"), ErrorCode::invalid_argument, "report_data");
  check_error_at(f.attest("?report_data=AAAA"), ErrorCode::invalid_argument, "report_data");
  CHECK(f.capability.quotes.size() == 1);
}

TEST_CASE("no quote is made for a stranger") {
  Attesting f;
  check_error_at(f.attest(nonce_of(16), "ghp_stranger"), ErrorCode::permission_denied);
  CHECK(f.capability.quotes.empty());
}

TEST_CASE("evidence without its token or its log is none") {
  Attesting f;
  f.capability.quoted_events = 4;
  check_error_at(f.attest(nonce_of(16)), ErrorCode::upstream);
  f.capability.quoted_events = 3;
  f.appraise = [](const HttpRequest&) { return test::http_answer(400, R"({"error":"quote refused"})"); };
  check_error_at(f.attest(nonce_of(16)), ErrorCode::invalid_argument);
  f.capability.broken = Error{ErrorCode::unavailable, "cannot reach the runtime", {}, {}};
  check_error_at(f.attest(nonce_of(16)), ErrorCode::unavailable);
}
