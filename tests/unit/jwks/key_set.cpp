#include "libdd/jwks/key_set.hpp"

#include <openssl/x509.h>

#include <doctest/doctest.h>

#include "tests/unit/jwks/rsa_keys.hpp"

using namespace dd;
using dd::crypto::Algorithm;
using dd::jwks::KeySet;
using dd::test::entry;
using dd::test::first_key;
using dd::test::key_set;
using dd::test::second_key;

namespace {

/// A self-signed certificate over the key, as base64 DER.
std::string certificate(int bits_of_key) {
  const std::shared_ptr<EVP_PKEY> key(EVP_RSA_gen(static_cast<unsigned>(bits_of_key)), EVP_PKEY_free);
  const std::shared_ptr<X509> x509(X509_new(), X509_free);
  X509_gmtime_adj(X509_getm_notBefore(x509.get()), 0);
  X509_gmtime_adj(X509_getm_notAfter(x509.get()), 3600);
  X509_set_pubkey(x509.get(), key.get());
  REQUIRE(X509_sign(x509.get(), key.get(), EVP_sha256()) > 0);
  unsigned char* der = nullptr;
  const int size = i2d_X509(x509.get(), &der);
  const auto text = to_base64(std::as_bytes(std::span(der, static_cast<std::size_t>(size))));
  OPENSSL_free(der);
  return text;
}

}  // namespace

TEST_CASE("a key serves the algorithm that its entry names, and kid and algorithm are matched exactly") {
  const auto set =
      KeySet::parse(key_set({entry("a", "PS384"), entry("a", "RS256"), entry("b", "RS256", second_key())})).value();
  CHECK(set.size() == 3);
  CHECK(set.find("a", Algorithm::ps384) != nullptr);
  CHECK(set.find("a", Algorithm::rs256) != nullptr);
  CHECK(set.find("b", Algorithm::ps384) == nullptr);
  CHECK(set.find("b", Algorithm::eddsa) == nullptr);
  CHECK(set.find("A", Algorithm::ps384) == nullptr);
  const auto input = as_bytes("signed");
  CHECK(set.find("a", Algorithm::ps384)->verify(Algorithm::ps384, input, first_key().sign(Algorithm::ps384, input)));
}

TEST_CASE("an entry that cannot be used is skipped and the others stay") {
  const auto small = crypto::RsaPrivateKey::generate(1024);
  const auto with = [](const char* name, nlohmann::json value) {
    auto bad = entry("bad", "PS384");
    bad[name] = std::move(value);
    return bad;
  };
  const auto without = [](const char* name) {
    auto bad = entry("bad", "PS384");
    bad.erase(name);
    return bad;
  };
  const struct {
    const char* name;
    nlohmann::json bad;
  } cases[] = {
      {"no object", 7},
      {"oct", {{"kty", "oct"}, {"kid", "bad"}, {"alg", "HS256"}, {"k", "c2VjcmV0"}}},
      {"oct that claims PS384", with("kty", "oct")},
      {"no kid", without("kid")},
      {"empty kid", with("kid", "")},
      {"long kid", with("kid", std::string(257, 'k'))},
      {"numeric kid", with("kid", 1)},
      {"no algorithm", without("alg")},
      {"none", with("alg", "none")},
      {"HS256", with("alg", "HS256")},
      {"lower-case algorithm", with("alg", "ps384")},
      {"use enc", with("use", "enc")},
      {"use that is no text", with("use", nullptr)},
      {"key_ops without verify", with("key_ops", {"sign"})},
      {"key_ops that is no array", with("key_ops", "verify")},
      {"no n", without("n")},
      {"n with padding", with("n", to_base64(first_key().n()))},
      {"1024 bits", entry("bad", "PS384", small)},
      {"e = 1", with("e", "AQ")},
      {"e = 2", with("e", "Ag")},
      {"even e", with("e", "AQAA")},
      {"empty chain", with("x5c", nlohmann::json::array())},
      {"chain that is no certificate", with("x5c", {"AAAA"})},
      {"chain of another key", with("x5c", {certificate(2048)})},
      {"chain of eleven", with("x5c", std::vector<std::string>(11, "AAAA"))},
  };
  for (const auto& c : cases) {
    CAPTURE(std::string(c.name));
    const auto set = KeySet::parse(key_set({c.bad, entry("good", "PS384")}));
    REQUIRE(set.has_value());
    CHECK(set->size() == 1);
    CHECK(set->find("good", Algorithm::ps384) != nullptr);
  }
}

TEST_CASE("a kid that contradicts itself is refused altogether") {
  const struct {
    const char* name;
    nlohmann::json entries;
  } cases[] = {
      {"twice for one algorithm", {entry("x", "PS384"), entry("x", "PS384")}},
      {"two keys for one algorithm", {entry("x", "PS384"), entry("x", "PS384", second_key())}},
      {"two keys for two algorithms", {entry("x", "PS384"), entry("x", "RS256", second_key())}},
      {"a third that differs", {entry("x", "PS384"), entry("x", "RS256"), entry("x", "RS256", second_key())}},
  };
  for (const auto& c : cases) {
    CAPTURE(std::string(c.name));
    auto entries = c.entries;
    entries.push_back(entry("good", "PS384"));
    const auto set = KeySet::parse(key_set(std::move(entries))).value();
    CHECK(set.find("x", Algorithm::ps384) == nullptr);
    CHECK(set.find("x", Algorithm::rs256) == nullptr);
    CHECK(set.find("good", Algorithm::ps384) != nullptr);
  }
}

TEST_CASE("a document that is no key set is refused") {
  auto many = nlohmann::json::array();
  for (int i = 0; i < 65; ++i) many.push_back(entry("k" + std::to_string(i), "PS384"));
  const std::string cases[] = {"",
                               "[]",
                               "{}",
                               "null",
                               R"({"keys":{}})",
                               R"({"keys":[]})",
                               R"({"keys":[],"keys":[]})",
                               R"({"keys":[{}]})",
                               "<html>",
                               key_set(many),
                               key_set({entry("a", "PS384")}) + "x",
                               std::string(KeySet::kMaxBytes + 1, ' ')};
  for (const auto& text : cases) {
    CAPTURE(text.substr(0, 40));
    const auto set = KeySet::parse(text);
    REQUIRE_FALSE(set.has_value());
    CHECK(set.error().message.starts_with("cannot read key set"));
  }
}
