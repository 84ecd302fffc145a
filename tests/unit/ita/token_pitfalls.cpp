// The ways in which token verifiers were fooled elsewhere (RFC 8725 and the advisories behind it), each as a token that must be refused.
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "libdd/crypto/digest.hpp"
#include "tests/unit/ita/issuer_fixture.hpp"

using namespace dd;
using namespace dd::ita;

namespace {

struct Pitfall {
  std::string name;
  std::string token;
};

/// Each is refused as invalid, by a verifier that accepts the good token before and after, and without a fetch from anywhere but the key set.
void check_pitfalls(const std::vector<Pitfall>& pitfalls) {
  IssuerFixture f;
  REQUIRE(f.verify(good_token()).has_value());
  for (const auto& pitfall : pitfalls) {
    CAPTURE(pitfall.name);
    const auto claims = f.verify(pitfall.token);
    REQUIRE_FALSE(claims.has_value());
    CHECK(claims.error().code == ErrorCode::unauthenticated);
    CHECK(claims.error().reason == kTokenInvalid);
    CHECK(claims.error().message.starts_with("cannot "));
  }
  CHECK(f.verify(good_token()).has_value());
  for (const auto& request : f.transport->requests) CHECK(request.url == f.options.jwks_url);
}

const std::string kPayload = v1_payload().dump();

std::string header_with(const std::string& members) { return R"({"kid":"first",)" + members + "}"; }
Pitfall header(const std::string& members) { return {members, signed_token(header_with(members), kPayload)}; }
Pitfall payload(const std::string& name, const std::string& text) { return {name, signed_token(kGoodHeader, text)}; }

/// The payload's JSON text with more behind its first brace.
std::string prefixed(const std::string& members) { return "{" + members + "," + kPayload.substr(1); }

std::string nested(int levels) {
  std::string out = "0";
  for (int i = 0; i < levels; ++i) out = "[" + out + "]";
  return out;
}

}  // namespace

TEST_CASE("the verifier accepts both algorithms of the issuer, and headers that say more than needed") {
  IssuerFixture f;
  CHECK(f.verify(good_token()).has_value());
  CHECK(f.verify(signed_token(R"({"alg":"RS256","kid":"first","typ":"JWT"})", kPayload, first_key(), kRs256))
            .has_value());
  CHECK(f.verify(signed_token(R"({"alg":"PS384","kid":"first"})", kPayload)).has_value());
  CHECK(f.verify(signed_token(R"({"alg":"PS384","kid":"first","jku":"https://portal.trustauthority.intel.com/certs"})",
                              kPayload))
            .has_value());
  CHECK(f.verify(signed_token(kGoodHeader, v2_payload().dump())).has_value());
}

TEST_CASE("no algorithm but the issuer's, in exactly their spelling") {
  std::vector<Pitfall> pitfalls;
  for (const auto* alg :
       {R"("none")", R"("None")", R"("NONE")", R"("nOnE")", R"("")", R"("ps384")", R"(" PS384")", R"("PS384 ")",
        R"("PS384\u0000")", R"(["PS384"])", "null", "384", "true", R"({"alg":"PS384"})"}) {
    pitfalls.push_back(header(R"("alg":)" + std::string(alg)));
    pitfalls.push_back({"unsigned " + std::string(alg),
                        segment(header_with(R"("alg":)" + std::string(alg))) + "." + segment(kPayload) + "."});
  }
  pitfalls.push_back({"alg missing", signed_token(R"({"kid":"first"})", kPayload)});
  check_pitfalls(pitfalls);
}

TEST_CASE("a good signature by an algorithm that is not the issuer's is no signature") {
  const struct {
    const char* alg;
    Signing how;
  } cases[] = {
      {"RS384", {EVP_sha384(), -1, nullptr}},
      {"RS512", {EVP_sha512(), -1, nullptr}},
      {"PS256", {EVP_sha256(), 32, EVP_sha256()}},
      {"PS512", {EVP_sha512(), 64, EVP_sha512()}},
      {"RS256", kPs384},
      {"PS384", kRs256},
      {"PS384", {EVP_sha256(), 32, EVP_sha256()}},
      {"RS256", {EVP_sha384(), -1, nullptr}},
  };
  std::vector<Pitfall> pitfalls;
  for (const auto& c : cases)
    pitfalls.push_back(
        {c.alg, signed_token(header_with(R"("alg":")" + std::string(c.alg) + "\""), kPayload, first_key(), c.how)});
  check_pitfalls(pitfalls);
}

TEST_CASE("PSS takes salt 48 and MGF1 with SHA-384, nothing automatic") {
  check_pitfalls({
      {"salt 0", signed_token(kGoodHeader, kPayload, first_key(), {EVP_sha384(), 0, EVP_sha384()})},
      {"salt 32", signed_token(kGoodHeader, kPayload, first_key(), {EVP_sha384(), 32, EVP_sha384()})},
      {"salt 49", signed_token(kGoodHeader, kPayload, first_key(), {EVP_sha384(), 49, EVP_sha384()})},
      {"longest salt",
       signed_token(kGoodHeader, kPayload, first_key(), {EVP_sha384(), 2048 / 8 - 48 - 2, EVP_sha384()})},
      {"MGF1 with SHA-256", signed_token(kGoodHeader, kPayload, first_key(), {EVP_sha384(), 48, EVP_sha256()})},
  });
}

TEST_CASE("the public key is nobody's HMAC secret") {
  const auto n = first_key().n();
  std::vector<Pitfall> pitfalls;
  for (const auto* alg : {"HS256", "PS384", "RS256"}) {
    const auto input = segment(header_with(R"("alg":")" + std::string(alg) + "\"")) + "." + segment(kPayload);
    pitfalls.push_back({alg, input + "." + to_base64url(crypto::hmac_sha256(n, {as_bytes(input)}))});
  }
  check_pitfalls(pitfalls);
}

TEST_CASE("a kid is a text that names a published key, and nothing else chooses the key") {
  const auto foreign_jwk = R"("jwk":{"kty":"RSA","n":")" + to_base64url(second_key().n()) +
                           R"(","e":"AQAB"},"jku":"https://evil.example/certs","x5u":"https://evil.example/x")";
  const auto with_kid = [](const std::string& kid) {
    return signed_token(R"({"alg":"PS384","kid":)" + kid + "}", kPayload);
  };
  check_pitfalls({
      {"missing", signed_token(R"({"alg":"PS384"})", kPayload)},
      {"null", with_kid("null")},
      {"a number", with_kid("1")},
      {"an array", with_kid(R"(["first"])")},
      {"empty", with_kid(R"("")")},
      {"unknown", with_kid(R"("second")")},
      {"another case", with_kid(R"("First")")},
      {"a path", with_kid(R"("../../dev/null")")},
      {"a query", with_kid(R"("first' OR '1'='1")")},
      {"long", with_kid("\"" + std::string(257, 'a') + "\"")},
      {"known kid, another key", signed_token(kGoodHeader, kPayload, second_key())},
      {"the token's own key", signed_token(header_with(R"("alg":"PS384",)" + foreign_jwk), kPayload, second_key())},
  });
}

TEST_CASE("header members that change what is signed are refused") {
  check_pitfalls({
      header(R"("alg":"PS384","crit":["exp"],"exp":1)"),
      header(R"("alg":"PS384","crit":[])"),
      header(R"("alg":"PS384","b64":false)"),
      header(R"("alg":"PS384","b64":true)"),
      header(R"("alg":"PS384","zip":"DEF")"),
      header(R"("alg":"PS384","cty":"JWT")"),
      header(R"("alg":"PS384","typ":"at+jwt")"),
      header(R"("alg":"PS384","typ":"dd-session+jwt")"),
      header(R"("alg":"PS384","typ":["JWT"])"),
  });
}

TEST_CASE("a member that stands twice is refused, however it is spelled") {
  check_pitfalls({
      header(R"("alg":"PS384","alg":"PS384")"),
      header(R"("alg":"none","\u0061lg":"PS384")"),
      payload("mrtd twice", prefixed(R"("tdx_mrtd":")" + repeated("00", 48) + "\"")),
      payload("mrtd twice, escaped", prefixed(R"("tdx_\u006drtd":")" + repeated("00", 48) + "\"")),
      payload("exp twice", prefixed(R"("exp":1)")),
      payload("deep down", prefixed(R"("policy_defined_claims":{"a":{"b":1,"b":2}})")),
  });
}

TEST_CASE("a payload is one JSON object in UTF-8 and nothing else") {
  check_pitfalls({
      payload("an array", "[" + kPayload + "]"),
      payload("a text", "\"x\""),
      payload("empty", ""),
      payload("byte order mark", "\xef\xbb\xbf" + kPayload),
      payload("more behind it", kPayload + "{}"),
      payload("NaN", prefixed(R"("x":NaN)")),
      payload("not UTF-8", prefixed("\"x\":\"\xff\"")),
      payload("lone surrogate", prefixed(R"("x":"\ud800")")),
      payload("too deep", prefixed("\"x\":" + nested(40))),
      payload("very deep", prefixed("\"x\":" + nested(20'000))),
  });
}

TEST_CASE("a token is three strict base64url segments") {
  const auto token = good_token();
  const auto dot = token.find('.');
  const auto last = token.rfind('.');
  const auto signature = token.substr(last + 1);
  check_pitfalls({
      {"empty", ""},
      {"dots", ".."},
      {"two segments", token.substr(0, last)},
      {"four segments", token + "." + signature},
      {"JWE", token + ".."},
      {"empty header", token.substr(dot)},
      {"empty payload", token.substr(0, dot) + ".." + signature},
      {"empty signature", token.substr(0, last + 1)},
      {"padding", token + "="},
      {"newline behind", token + "\n"},
      {"space before", " " + token},
      {"NUL behind", token + std::string(1, '\0')},
      {"JSON serialisation", R"({"payload":")" + segment(kPayload) + R"(","protected":")" + segment(kGoodHeader) +
                                 R"(","signature":")" + signature + "\"}"},
      {"spare bits", token.substr(0, token.size() - 1) + (token.back() == 'B' ? 'C' : 'B')},
  });
}

TEST_CASE("a signature has exactly the modulus' length and covers exactly these bytes") {
  const auto token = good_token();
  const auto last = token.rfind('.');
  const auto input = token.substr(0, last);
  auto raw = from_base64url(token.substr(last + 1)).value();
  const auto with = [&input](const Bytes& signature) { return input + "." + to_base64url(signature); };
  auto longer = raw;
  longer.insert(longer.begin(), std::byte{0});
  auto trailing = raw;
  trailing.push_back(std::byte{0});
  auto flipped = raw;
  flipped[100] ^= std::byte{1};
  check_pitfalls({
      {"one byte short", with(Bytes(raw.begin(), raw.end() - 1))},
      {"leading zero", with(longer)},
      {"trailing zero", with(trailing)},
      {"one bit off", with(flipped)},
      {"all zero", with(Bytes(raw.size()))},
      {"all ones, over the modulus", with(Bytes(raw.size(), std::byte{0xff}))},
      {"another payload", segment(kGoodHeader) + "." + segment(v2_payload().dump()) + "." + to_base64url(raw)},
      {"another header", segment(R"({"alg":"PS384","kid":"first","typ":"JWT","x":1})") + "." + segment(kPayload) + "." +
                             to_base64url(raw)},
  });
}

TEST_CASE("size is checked before anything is decoded") {
  const auto filler = [](std::size_t size) { return prefixed(R"("x":")" + std::string(size, 'a') + "\""); };
  check_pitfalls({
      payload("token over 64 KiB", filler(64 * 1024)),
      {"a megabyte of nothing", std::string(1024 * 1024, 'a')},
      header(R"("alg":"PS384","x":")" + std::string(8 * 1024, 'a') + "\""),
  });
  IssuerFixture f;
  CHECK(f.verify(signed_token(kGoodHeader, filler(30'000))).has_value());
}
