#include "libdd/crypto/jws.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace dd;
using namespace dd::crypto;

namespace {

const OkpPrivateKey& key() {
  static const auto made = OkpPrivateKey::generate(Curve::ed25519, system_random());
  return made;
}

std::string segment(std::string_view text) { return to_base64url(as_bytes(text)); }

}  // namespace

TEST_CASE("what sign_jws makes is read back and verifies") {
  const nlohmann::json claims = {{"aud", "https://cp.example"}, {"iat", 1700000000}, {"text", "ü"}};
  const auto compact = sign_jws(key(), "dd-call+jwt", claims);
  const auto jws = parse_jws(compact, {Algorithm::rs256, Algorithm::eddsa});
  REQUIRE(jws.has_value());
  CHECK(jws->algorithm == Algorithm::eddsa);
  CHECK(jws->kid == key().public_key().kid());
  CHECK(jws->typ == "dd-call+jwt");
  CHECK(jws->header_size == 3);
  CHECK(*jws->claims == claims);
  CHECK(nlohmann::json::parse(jws->payload) == claims);
  CHECK(jws->signing_input == compact.substr(0, compact.rfind('.')));
  CHECK(verify(key().public_key(), as_bytes(jws->signing_input), jws->signature));
}

TEST_CASE("what an RSA key signs is read back and verifies") {
  const auto rsa = RsaPrivateKey::generate(2048);
  const auto verifier = RsaPublicKey::from_components(rsa.n(), rsa.e()).value();
  for (const auto algorithm : {Algorithm::rs256, Algorithm::ps384}) {
    CAPTURE(to_string(algorithm));
    const auto compact = rsa.sign_jws(algorithm, {{"alg", to_string(algorithm)}, {"kid", "k"}}, R"({ "iss" : "x" })");
    const auto jws = parse_jws(compact, {Algorithm::rs256, Algorithm::ps384});
    REQUIRE(jws.has_value());
    CHECK(jws->algorithm == algorithm);
    CHECK(jws->typ.empty());
    CHECK(jws->payload == R"({ "iss" : "x" })");
    CHECK(verifier.verify(jws->algorithm, as_bytes(jws->signing_input), jws->signature));
  }
}

TEST_CASE("members of the header that name a key are ignored") {
  const auto compact =
      segment(
          R"({"alg":"EdDSA","kid":"k","jku":"https://evil","x5u":"https://evil","jwk":{"kty":"oct"},"x5c":["AA=="],"x":1})") +
      "." + segment("{}") + ".AAAA";
  const auto jws = parse_jws(compact, {Algorithm::eddsa});
  REQUIRE(jws.has_value());
  CHECK(jws->kid == "k");
  CHECK(jws->header_size == 7);
}

TEST_CASE("a kid may be any text of 1 to 256 bytes") {
  for (const std::string& kid : {std::string("x"), std::string(256, 'k'), std::string("../../etc/passwd"),
                                 std::string("' OR 1=1 --"), std::string("https://evil/#")}) {
    CAPTURE(kid);
    const auto compact = segment(nlohmann::json{{"alg", "EdDSA"}, {"kid", kid}}.dump()) + "." + segment("{}") + ".AAAA";
    const auto jws = parse_jws(compact, {Algorithm::eddsa});
    REQUIRE(jws.has_value());
    CHECK(jws->kid == kid);
  }
}

TEST_CASE("no character of a JWS can be changed, left out or added") {
  const auto compact = sign_jws(key(), "t", {{"sub", "alice"}, {"n", 12}});
  const auto accepted = [](const std::string& text) {
    const auto jws = parse_jws(text, {Algorithm::eddsa});
    return jws && verify(key().public_key(), as_bytes(jws->signing_input), jws->signature);
  };
  REQUIRE(accepted(compact));
  for (std::size_t i = 0; i < compact.size(); ++i) {
    CAPTURE(i);
    for (const char other : {'A', 'B', 'w', '-', '.', '=', ' '}) {
      CAPTURE(other);
      auto altered = compact;
      altered[i] = other;
      CHECK(accepted(altered) == (compact[i] == other));
      CHECK_FALSE(accepted(compact.substr(0, i) + other + compact.substr(i)));
    }
    CHECK_FALSE(accepted(compact.substr(0, i) + compact.substr(i + 1)));
    CHECK_FALSE(accepted(compact.substr(0, i)));
  }
}

TEST_CASE("a JWS may be as long as its reader allows") {
  const auto compact = segment(R"({"alg":"EdDSA","kid":"k"})") + "." +
                       segment(nlohmann::json{{"x", std::string(70'000, 'x')}}.dump()) + ".AAAA";
  const auto refused = parse_jws(compact, {Algorithm::eddsa});
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == ErrorCode::too_large);
  CHECK(refused.error().message == "cannot read token: larger than 65536 bytes");
  CHECK(parse_jws(compact, {Algorithm::eddsa}, compact.size()).has_value());
  CHECK_FALSE(parse_jws(compact, {Algorithm::eddsa}, compact.size() - 1).has_value());
}
