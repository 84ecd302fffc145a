#include "libdd/crypto/digest.hpp"

#include <fstream>

#include <doctest/doctest.h>

#include "tests/support/temp_dir.hpp"

using namespace dd;
using namespace dd::crypto;

namespace {

Bytes filled(std::size_t size, unsigned char value) { return Bytes(size, std::byte{value}); }

}  // namespace

TEST_CASE("SHA-2 hashes as FIPS 180-4 says") {
  CHECK(to_hex(sha256({})) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(to_hex(sha256(as_bytes("abc"))) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(to_hex(sha384({})) ==
        "38b060a751ac96384cd9327eb1b1e36a21fdb71114be07434c0cc7bf63f6e1da274edebfe76f65fbd51ad2f14898b95b");
  CHECK(to_hex(sha384(as_bytes("abc"))) ==
        "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7");
  CHECK(to_hex(sha512(as_bytes("abc"))) ==
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce8"
        "0e2a9ac94fa54ca49f");
}

TEST_CASE("extend hashes the chain and then the digest") {
  const Digest384 start{};
  const auto once = extend(start, sha384(as_bytes("abc")));
  CHECK(to_hex(once) ==
        "93732e3733514a841c982cfa75ea76ab55fe011acb9cd980ef4523913c65be1b0998e04d77f8c174f81a82151619ca40");
  Bytes both(once.begin(), once.end());
  both.insert(both.end(), start.begin(), start.end());
  CHECK(extend(once, start) == sha384(both));
  CHECK(extend(start, once) != extend(once, start));
}

TEST_CASE("HMAC-SHA-256 reproduces RFC 4231") {
  Bytes counting;
  for (unsigned char i = 1; i <= 25; ++i) counting.push_back(std::byte{i});
  const struct {
    const char* name;
    Bytes key;
    Bytes data;
    const char* mac;
  } cases[] = {
      {"4.2", filled(20, 0x0b), to_bytes("Hi There"),
       "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
      {"4.3", to_bytes("Jefe"), to_bytes("what do ya want for nothing?"),
       "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
      {"4.4", filled(20, 0xaa), filled(50, 0xdd), "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
      {"4.5", counting, filled(50, 0xcd), "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"},
      {"4.7, a key longer than a block", filled(131, 0xaa),
       to_bytes("Test Using Larger Than Block-Size Key - Hash Key First"),
       "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
      {"no key and no data", {}, {}, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    CHECK(to_hex(hmac_sha256(c.key, {c.data})) == c.mac);
  }
}

TEST_CASE("the parts of an HMAC are one message, however they are cut") {
  const auto key = to_bytes("key");
  const auto whole = hmac_sha256(key, {as_bytes("purpose-time")});
  CHECK(hmac_sha256(key, {as_bytes("purpose"), as_bytes("-"), as_bytes("time")}) == whole);
  CHECK(hmac_sha256(key, {{}, as_bytes("purpose-time"), {}}) == whole);
  CHECK(hmac_sha256(key, {as_bytes("-time"), as_bytes("purpose")}) != whole);
}

TEST_CASE("a file is hashed to its end") {
  const TempDir folder;
  const auto path = folder.path() / "file";
  // More than one read, and not a multiple of its size.
  const std::string content(200'001, 'x');
  std::ofstream(path, std::ios::binary) << content;
  CHECK(sha256_file(path.c_str()).value() == sha256(as_bytes(content)));
  std::ofstream(path, std::ios::binary | std::ios::trunc).flush();
  CHECK(sha256_file(path.c_str()).value() == sha256({}));
}

TEST_CASE("a file that cannot be read is an error that names it") {
  const TempDir folder;
  const auto missing = sha256_file((folder.path() / "missing").c_str());
  REQUIRE_FALSE(missing.has_value());
  CHECK(missing.error().code == ErrorCode::not_found);
  CHECK(missing.error().message == "cannot read " + (folder.path() / "missing").string());

  const auto directory = sha256_file(folder.path().c_str());
  REQUIRE_FALSE(directory.has_value());
  CHECK(directory.error().code == ErrorCode::unavailable);
}
