// The ways in which JWS readers were fooled elsewhere (RFC 8725 and the advisories behind it): each is one row, and each must be refused.
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "libdd/crypto/digest.hpp"
#include "libdd/crypto/jws.hpp"

using namespace dd;
using namespace dd::crypto;

namespace {

std::string segment_of(std::string_view text) { return to_base64url(as_bytes(text)); }

const std::string kHeader = R"({"alg":"RS256","kid":"k"})";
const std::string kPayload = R"({"iss":"x"})";
const std::string kAnySignature = to_base64url(Bytes(256, std::byte{7}));

std::string token(const std::string& header, const std::string& payload = kPayload) {
  return segment_of(header) + "." + segment_of(payload) + "." + kAnySignature;
}
std::string joined(const std::string& header, const std::string& payload, const std::string& signature) {
  return header + "." + payload + "." + signature;
}

void check_pitfall(const std::string& name, const std::string& compact, ErrorCode code, const std::string& message) {
  CAPTURE(name);
  REQUIRE(parse_jws(token(kHeader), {Algorithm::rs256, Algorithm::ps384}).has_value());
  const auto jws = parse_jws(compact, {Algorithm::rs256, Algorithm::ps384});
  REQUIRE_FALSE(jws.has_value());
  CHECK(jws.error().code == code);
  CHECK(jws.error().message == message);
}

std::string nested(std::size_t depth) { return R"({"a":)" + std::string(depth, '[') + std::string(depth, ']') + "}"; }

}  // namespace

TEST_CASE("an algorithm that the issuer does not use is refused, in whatever spelling") {
  const char* const algorithms[] = {
      R"("none")",    R"("None")",        R"("NONE")",        R"("nOnE")",  R"("")",      R"(" RS256")",
      R"("RS256 ")",  R"("RS256\u0000")", R"("rs256")",       R"("HS256")", R"("HS384")", R"("HS512")",
      R"("RS384")",   R"("RS512")",       R"("PS256")",       R"("PS512")", R"("ES256")", R"("ES384")",
      R"("EdDSA")",   R"("RSA-OAEP")",    R"("RS256,PS384")", "null",       "true",       "0",
      R"(["RS256"])", R"({"":"RS256"})",
  };
  for (const std::string algorithm : algorithms)
    check_pitfall(algorithm, token(R"({"alg":)" + algorithm + R"(,"kid":"k"})"), ErrorCode::unauthenticated,
                  "cannot accept token: alg is missing or not allowed here");
  check_pitfall("missing", token(R"({"kid":"k"})"), ErrorCode::unauthenticated,
                "cannot accept token: alg is missing or not allowed here");
  check_pitfall("another case of the name", token(R"({"Alg":"RS256","kid":"k"})"), ErrorCode::unauthenticated,
                "cannot accept token: alg is missing or not allowed here");
  check_pitfall("before anything else of the header", token(R"({"alg":"none","crit":["x"]})"),
                ErrorCode::unauthenticated, "cannot accept token: alg is missing or not allowed here");
}

TEST_CASE("each issuer has its own list of algorithms") {
  CHECK(parse_jws(token(R"({"alg":"PS384","kid":"k"})"), {Algorithm::ps384}).has_value());
  CHECK_FALSE(parse_jws(token(R"({"alg":"PS384","kid":"k"})"), {Algorithm::rs256}).has_value());
  CHECK_FALSE(parse_jws(token(R"({"alg":"PS384","kid":"k"})"), {}).has_value());
}

TEST_CASE("a header that asks for what is not understood is refused") {
  const struct {
    const char* name;
    std::string header;
    const char* message;
  } cases[] = {
      {"crit", R"({"alg":"RS256","kid":"k","crit":["exp"],"exp":1})",
       "cannot accept token: header member crit is not understood"},
      {"empty crit", R"({"alg":"RS256","kid":"k","crit":[]})",
       "cannot accept token: header member crit is not understood"},
      {"null crit", R"({"alg":"RS256","kid":"k","crit":null})",
       "cannot accept token: header member crit is not understood"},
      {"b64 false", R"({"alg":"RS256","kid":"k","b64":false})",
       "cannot accept token: header member b64 is not understood"},
      {"b64 true", R"({"alg":"RS256","kid":"k","b64":true})",
       "cannot accept token: header member b64 is not understood"},
      {"zip", R"({"alg":"RS256","kid":"k","zip":"DEF"})", "cannot accept token: header member zip is not understood"},
      {"nested token", R"({"alg":"RS256","kid":"k","cty":"JWT"})",
       "cannot accept token: header member cty is not understood"},
      {"no kid", R"({"alg":"RS256"})", "cannot accept token: kid is missing"},
      {"kid is a number", R"({"alg":"RS256","kid":1})", "cannot accept token: kid is missing"},
      {"kid is null", R"({"alg":"RS256","kid":null})", "cannot accept token: kid is missing"},
      {"kid is an array", R"({"alg":"RS256","kid":["k"]})", "cannot accept token: kid is missing"},
      {"empty kid", R"({"alg":"RS256","kid":""})", "cannot accept token: kid must have 1 to 256 bytes"},
      {"long kid", R"({"alg":"RS256","kid":")" + std::string(257, 'k') + "\"}",
       "cannot accept token: kid must have 1 to 256 bytes"},
      {"typ is a number", R"({"alg":"RS256","kid":"k","typ":1})", "cannot accept token: typ is no text"},
  };
  for (const auto& c : cases) check_pitfall(c.name, token(c.header), ErrorCode::unauthenticated, c.message);
}

TEST_CASE("anything but three segments is refused") {
  const auto h = segment_of(kHeader);
  const auto p = segment_of(kPayload);
  const struct {
    const char* name;
    std::string compact;
    const char* message;
  } cases[] = {
      {"nothing", "", "cannot read token: want three segments"},
      {"one segment", h, "cannot read token: want three segments"},
      {"two segments", h + "." + p, "cannot read token: want three segments"},
      {"four segments", joined(h, p, kAnySignature) + ".AA", "cannot read token: want three segments"},
      {"JWE has five", joined(h, "", "AA") + ".AA.AA", "cannot read token: want three segments"},
      {"JSON serialisation", R"({"payload":")" + p + R"(","protected":")" + h + R"(","signature":"AA"})",
       "cannot read token: want three segments"},
      {"no header", joined("", p, kAnySignature), "cannot read token: a segment is empty"},
      {"no payload", joined(h, "", kAnySignature), "cannot read token: a segment is empty"},
      {"no signature", joined(h, p, ""), "cannot read token: a segment is empty"},
      {"only dots", "..", "cannot read token: a segment is empty"},
      {"space in front", " " + joined(h, p, kAnySignature), "cannot read token: header is not base64url"},
      {"Bearer in front", "Bearer " + joined(h, p, kAnySignature), "cannot read token: header is not base64url"},
      {"line break behind", joined(h, p, kAnySignature) + "\n", "cannot read token: signature is not base64url"},
      {"NUL behind", joined(h, p, kAnySignature) + std::string(1, '\0'),
       "cannot read token: signature is not base64url"},
  };
  for (const auto& c : cases) check_pitfall(c.name, c.compact, ErrorCode::malformed, c.message);
}

TEST_CASE("base64url has one spelling") {
  const auto h = segment_of(kHeader);
  const auto p = segment_of(kPayload);
  const struct {
    const char* name;
    std::string compact;
    const char* message;
  } cases[] = {
      {"padded header", joined(h + "=", p, kAnySignature), "cannot read token: header is not base64url"},
      {"padded payload", joined(h, p + "=", kAnySignature), "cannot read token: payload is not base64url"},
      {"padded signature", joined(h, p, "AA=="), "cannot read token: signature is not base64url"},
      {"standard alphabet", joined(h, p, "ab+/"), "cannot read token: signature is not base64url"},
      {"spare bits", joined(h, p, "AB"), "cannot read token: signature is not base64url"},
      {"one character over", joined(h, p, "AAAAA"), "cannot read token: signature is not base64url"},
      {"space inside", joined(h, p.substr(0, 4) + " " + p.substr(4), kAnySignature),
       "cannot read token: payload is not base64url"},
      {"NUL inside", joined(h, p.substr(0, 4) + std::string(1, '\0') + p.substr(4), kAnySignature),
       "cannot read token: payload is not base64url"},
      {"UTF-8 inside", joined(h, "ü" + p, kAnySignature), "cannot read token: payload is not base64url"},
  };
  for (const auto& c : cases) check_pitfall(c.name, c.compact, ErrorCode::malformed, c.message);
}

TEST_CASE("JSON that two readers could understand differently is refused, in the header and in the payload") {
  const struct {
    const char* name;
    std::string text;
    const char* problem;
  } cases[] = {
      {"no object", R"(["RS256"])", " is not an object"},
      {"a text", R"("RS256")", " is not an object"},
      {"no JSON", "RS256", ": cannot parse JSON: syntax error at byte 1"},
      {"bytes behind", kHeader + "{}", ": cannot parse JSON: syntax error at byte 26"},
      {"NUL behind", kHeader + std::string(1, '\0'), ": cannot parse JSON: syntax error at byte 26"},
      {"byte order mark", "\xef\xbb\xbf" + kHeader, ": cannot parse JSON: byte order mark"},
      {"NaN", R"({"a":NaN})", ": cannot parse JSON: syntax error at byte 6"},
      {"no UTF-8", "{\"a\":\"\xff\"}", ": cannot parse JSON: syntax error at byte 7"},
      {"lone surrogate", R"({"a":"\ud800"})", ": cannot parse JSON: syntax error at byte 13"},
      {"name twice", R"({"alg":"RS256","kid":"k","alg":"none"})",
       R"(: cannot parse JSON: member "alg" occurs twice in one object)"},
      {"name twice through an escape", R"({"alg":"RS256","kid":"k","\u0061lg":"none"})",
       R"(: cannot parse JSON: member "alg" occurs twice in one object)"},
      {"name twice far inside", R"({"alg":"RS256","kid":"k","x":[{"y":1,"y":2}]})",
       R"(: cannot parse JSON: member "y" occurs twice in one object)"},
      {"deep", nested(32), ": cannot parse JSON: nested deeper than 32"},
  };
  for (const auto& c : cases) {
    check_pitfall(c.name, token(c.text), ErrorCode::malformed, "cannot read token: header" + std::string(c.problem));
    check_pitfall(c.name, token(kHeader, c.text), ErrorCode::malformed,
                  "cannot read token: payload" + std::string(c.problem));
  }
}

TEST_CASE("sizes are checked before anything is decoded") {
  check_pitfall("a header over 8 KiB", token(R"({"alg":"RS256","kid":"k","x":")" + std::string(8192, 'x') + "\"}"),
                ErrorCode::too_large, "cannot read token: header larger than 8 KiB");
  check_pitfall("a token over 64 KiB that is not even base64url", std::string(65537, '!'), ErrorCode::too_large,
                "cannot read token: larger than 65536 bytes");
}

TEST_CASE("a public key is no secret: its HMAC is no signature") {
  const auto rsa = RsaPrivateKey::generate(2048);
  const auto input = segment_of(R"({"alg":"HS256","kid":"k"})") + "." + segment_of(kPayload);
  const auto mac = hmac_sha256(rsa.n(), {as_bytes(input)});
  check_pitfall("HS256 under the modulus", input + "." + to_base64url(mac), ErrorCode::unauthenticated,
                "cannot accept token: alg is missing or not allowed here");
  const auto verifier = RsaPublicKey::from_components(rsa.n(), rsa.e()).value();
  CHECK_FALSE(verifier.verify(Algorithm::rs256, as_bytes(input), mac));
}
