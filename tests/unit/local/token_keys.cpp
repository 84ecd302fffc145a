#include "libdd/local/token_keys.hpp"

#include <set>
#include <string>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace dd;
using namespace dd::local;

namespace {

const crypto::RsaPrivateKey& key(int number) {
  static const crypto::RsaPrivateKey keys[] = {crypto::RsaPrivateKey::generate(2048),
                                               crypto::RsaPrivateKey::generate(2048)};
  return keys[number];
}

std::set<std::string> kids_of(const TokenKeys& keys) {
  std::set<std::string> out;
  const auto set = keys.key_set();
  for (const auto& entry : set.at("keys")) out.insert(entry.at("kid").get<std::string>());
  return out;
}

}  // namespace

TEST_CASE("the newest key signs, and older ones stay published until they are withdrawn") {
  TokenKeys keys;
  CHECK(keys.empty());
  CHECK(kids_of(keys).empty());
  keys.add(key(0), OldKeys::keep);
  const auto first = keys.kid();
  keys.add(key(1), OldKeys::keep);
  const auto second = keys.kid();
  CHECK(first != second);
  CHECK(kids_of(keys) == std::set{first, second});
  keys.add(key(0), OldKeys::withdraw);
  CHECK(kids_of(keys) == std::set{first});
}

TEST_CASE("a signed token names its key, where the set is, and verifies") {
  TokenKeys keys;
  keys.add(key(0), OldKeys::keep);
  const auto public_key = crypto::RsaPublicKey::from_components(key(0).n(), key(0).e());
  REQUIRE(public_key.has_value());
  for (const auto algorithm : {crypto::Algorithm::ps384, crypto::Algorithm::rs256}) {
    const auto jws = crypto::parse_jws(keys.sign(algorithm, "http://127.0.0.1/certs", {{"a", 1}}), {algorithm});
    REQUIRE(jws.has_value());
    CHECK(jws->kid == keys.kid());
    CHECK(jws->typ == "JWT");
    CHECK(jws->payload == R"({"a":1})");
    CHECK(public_key->verify(algorithm, as_bytes(jws->signing_input), jws->signature));
  }
}
