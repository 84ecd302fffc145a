#include "libdd/enclave/evidence.hpp"

#include <doctest/doctest.h>

#include "dd/report_data.hpp"
#include "libdd/crypto/digest.hpp"

using namespace dd;
using namespace dd::enclave;

namespace {

Digest256 filled(int value) {
  Digest256 digest{};
  digest.fill(static_cast<std::byte>(value));
  return digest;
}

const Digest384 kHead = [] {
  Digest384 head{};
  head.fill(std::byte{9});
  return head;
}();

Digest256 hash_of(std::string_view text) { return crypto::sha256(as_bytes(text)); }

}  // namespace

// The verifier computes P from the whole values; both must agree to the byte.
TEST_CASE("the runtime composes what a verifier expects") {
  const VmKeys keys(system_random());
  const auto signing = keys.signing().public_key().spki();
  const auto sealing = keys.sealing().public_key().spki();
  const std::string origin = "https://app.example.com";

  SUBCASE("register") {
    const RegisterBinding binding{filled(1), origin, signing, sealing, kHead, filled(2)};
    CHECK(compose_runtime_data(kRegisterTag, std::vector{filled(1), hash_of(origin), filled(2)}, keys, kHead).value() ==
          bound_data(binding));
  }
  SUBCASE("refresh") {
    const RefreshBinding binding{filled(1), origin, "agent-1", signing, kHead};
    CHECK(compose_runtime_data(kRefreshTag, std::vector{filled(1), hash_of(origin), hash_of("agent-1")}, keys, kHead)
              .value() == bound_data(binding));
  }
  SUBCASE("attest") {
    const Bytes nonce(16, std::byte{5});
    const AttestBinding binding{nonce, signing, sealing, kHead};
    CHECK(compose_runtime_data(kAttestTag, std::vector{crypto::sha256(nonce)}, keys, kHead).value() ==
          bound_data(binding));
  }
}

TEST_CASE("nothing is composed for another tag or another number of fields") {
  const VmKeys keys(system_random());
  const struct {
    std::string_view tag;
    std::size_t fields;
    const char* path;
  } cases[] = {
      {"dd/register/v2", 3, "$.tag"}, {"", 0, "$.tag"},
      {kRegisterTag, 2, "$.fields"},  {kRegisterTag, 6, "$.fields"},
      {kRefreshTag, 4, "$.fields"},   {kAttestTag, 0, "$.fields"},
      {kAttestTag, 2, "$.fields"},
  };
  for (const auto& c : cases) {
    CAPTURE(c.tag);
    CAPTURE(c.fields);
    const auto data = compose_runtime_data(c.tag, std::vector<Digest256>(c.fields), keys, kHead);
    REQUIRE_FALSE(data.has_value());
    CHECK(data.error().code == ErrorCode::invalid_argument);
    CHECK(data.error().path == c.path);
  }
}
