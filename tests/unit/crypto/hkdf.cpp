#include "libdd/crypto/hkdf.hpp"

#include <doctest/doctest.h>

using namespace dd;
using namespace dd::crypto;

namespace {

Bytes counting(unsigned first, unsigned end) {
  Bytes out;
  for (unsigned value = first; value < end; ++value) out.push_back(static_cast<std::byte>(value));
  return out;
}

}  // namespace

TEST_CASE("HKDF reproduces RFC 5869, A.1 to A.3") {
  const struct {
    const char* name;
    Bytes input;
    Bytes salt;
    Bytes info;
    const char* prk;
    std::string okm;
  } cases[] = {
      {"A.1", Bytes(22, std::byte{0x0b}), counting(0, 13), counting(0xf0, 0xfa),
       "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5",
       "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"},
      {"A.2, longer than a block", counting(0, 0x50), counting(0x60, 0xb0), counting(0xb0, 0x100),
       "06a6b88c5853361a06104c9ceb35b45cef760014904671014a193f40c15fc244",
       "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09da3275600c2f09b"
       "8367793a9aca3db71cc30c58179ec3e87"
       "c14c01d5c1f3434f1d87"},
      {"A.3, no salt and no info",
       Bytes(22, std::byte{0x0b}),
       {},
       {},
       "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04",
       "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    const auto prk = hkdf_extract(c.salt, c.input);
    CHECK(to_hex(prk) == c.prk);
    CHECK(to_hex(hkdf_expand(prk, c.info, c.okm.size() / 2)) == c.okm);
  }
}

TEST_CASE("a shorter HKDF output is the start of a longer one") {
  const auto prk = hkdf_extract({}, as_bytes("input"));
  const auto longest = hkdf_expand(prk, as_bytes("info"), 255 * 32);
  REQUIRE(longest.size() == 255 * 32);
  for (const std::size_t size : {0U, 1U, 31U, 32U, 33U, 64U, 255U}) {
    CAPTURE(size);
    const auto shorter = hkdf_expand(prk, as_bytes("info"), size);
    REQUIRE(shorter.size() == size);
    CHECK(std::equal(shorter.begin(), shorter.end(), longest.begin()));
  }
}
