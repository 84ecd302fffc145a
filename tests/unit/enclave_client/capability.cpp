#include "libdd/enclave_client/capability.hpp"

#include <fcntl.h>
#include <sys/socket.h>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "dd/random.hpp"
#include "libdd/core/json.hpp"
#include "libdd/crypto/hpke.hpp"
#include "libdd/crypto/statement.hpp"
#include "libdd/net/line_socket.hpp"
#include "tests/support/run_task.hpp"

using namespace dd;
using namespace dd::enclave_client;

namespace {

struct FakeCapabilitySocket {
  FakeCapabilitySocket() {
    int pair[2];
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    client_fd = pair[0];
    net::LineHandler handler = [this](std::string line, net::Peer) { return reply(std::move(line)); };
    net::spawn(io.get_executor(), net::serve_lines(pair[1], std::move(handler), 1024 * 1024), "fake runtime");
    capability = make_socket_capability(io.get_executor(), client_fd);
  }

  net::Task<std::string> reply(std::string line) {
    asked = parse_json(line).value();
    co_return to_text(answer);
  }

  net::asio::io_context io;
  int client_fd = -1;
  Json answer = {{"ok", true}};
  Json asked;
  std::unique_ptr<Capability> capability;
};

const auto kSigning = crypto::OkpPrivateKey::generate(crypto::Curve::ed25519, system_random());
const auto kSealing = crypto::OkpPrivateKey::generate(crypto::Curve::x25519, system_random());

Json keys_answer() {
  return {{"ok", true},
          {"signing_key", kSigning.public_key().to_jwk()},
          {"sealing_key", kSealing.public_key().to_jwk()},
          {"boot_id", std::string(32, 'a')},
          {"attestation_type", "tdx"},
          {"boundary", "uid"}};
}

}  // namespace

TEST_CASE("what this process starts does not get the capability") {
  const FakeCapabilitySocket fake;
  CHECK((fcntl(fake.client_fd, F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE("keys are read with what they say of the machine") {
  FakeCapabilitySocket fake;
  fake.answer = keys_answer();
  const auto keys = test::run(fake.io, fake.capability->keys()).value();
  CHECK(keys.signing == kSigning.public_key());
  CHECK(keys.sealing == kSealing.public_key());
  CHECK(keys.boundary);
}

TEST_CASE("a key of the wrong kind is refused") {
  FakeCapabilitySocket fake;
  fake.answer = keys_answer();
  fake.answer["sealing_key"] = kSigning.public_key().to_jwk();
  const auto keys = test::run(fake.io, fake.capability->keys());
  REQUIRE_FALSE(keys.has_value());
  CHECK(keys.error().code == ErrorCode::upstream);
}

TEST_CASE("a quote is asked for by tag and fields, and comes with what it is bound to") {
  FakeCapabilitySocket fake;
  fake.answer = {{"ok", true},
                 {"quote_b64", "AQID"},
                 {"runtime_data_b64u", "BAU"},
                 {"quoted_events", 4},
                 {"log_head", std::string(96, '7')}};
  Digest256 field{};
  field[0] = std::byte{1};
  const auto bound = test::run(fake.io, fake.capability->quote("dd/attest/v1", {field})).value();
  CHECK(fake.asked.at("tag") == "dd/attest/v1");
  CHECK(fake.asked.at("fields") == Json{to_base64url(field)});
  CHECK(to_hex(bound.quote) == "010203");
  CHECK(to_hex(bound.runtime_data) == "0405");
  CHECK(bound.quoted_events == 4);
  CHECK(to_hex(bound.log_head) == std::string(96, '7'));
}

TEST_CASE("sign, open and seq pass on what they get") {
  FakeCapabilitySocket fake;
  fake.answer = {{"ok", true}, {"jws", "a.b.c"}};
  CHECK(test::run(fake.io, fake.capability->sign("dd-call+jwt", {{"seq", 1}})).value() == "a.b.c");
  CHECK(fake.asked.at("claims") == Json{{"seq", 1}});
  fake.answer = {{"ok", true}, {"plaintext_b64u", "AQ"}};
  CHECK(to_hex(test::run(fake.io, fake.capability->open("info", "aad", Bytes{std::byte{9}})).value()) == "01");
  CHECK(fake.asked.at("sealed") == "CQ");
  fake.answer = {{"ok", true}, {"first", 33}};
  CHECK(test::run(fake.io, fake.capability->seq(16)).value() == 33);
}

TEST_CASE("answers that lack what was asked for are refused") {
  FakeCapabilitySocket fake;
  CHECK(test::run(fake.io, fake.capability->keys()).error().code == ErrorCode::upstream);
  CHECK(test::run(fake.io, fake.capability->sign("t", Json::object())).error().code == ErrorCode::upstream);
  CHECK(test::run(fake.io, fake.capability->open("", "", {})).error().code == ErrorCode::upstream);
  CHECK(test::run(fake.io, fake.capability->seq(1)).error().code == ErrorCode::upstream);
  CHECK(test::run(fake.io, fake.capability->quote("t", {})).error().code == ErrorCode::upstream);
  CHECK_FALSE(test::run(fake.io, fake.capability->log(0)).has_value());
}

TEST_CASE("local keys sign and open, and vouch for no machine") {
  net::asio::io_context io;
  const auto local = make_local_capability();
  const auto keys = test::run(io, local->keys()).value();
  CHECK(keys.attestation_type == "none");
  CHECK_FALSE(keys.boundary);

  const auto jws = test::run(io, local->sign(std::string(crypto::kPollTyp), {{"aud", "a"}, {"iat", 5}})).value();
  const auto statement = crypto::parse_statement(jws, crypto::kPollTyp).value();
  CHECK(crypto::verify_statement(statement, keys.signing, {.typ = crypto::kPollTyp, .audience = "a", .now = 5})
            .has_value());

  const auto sealed =
      crypto::hpke_seal(keys.sealing, as_bytes("info"), as_bytes("aad"), as_bytes("tunnel token"), system_random())
          .value();
  CHECK(as_text(test::run(io, local->open("info", "aad", sealed)).value()) == "tunnel token");
  CHECK_FALSE(test::run(io, local->open("info", "other", sealed)).has_value());

  CHECK(test::run(io, local->quote("dd/attest/v1", {})).error().code == ErrorCode::unsupported);
}

TEST_CASE("local call numbers are handed out once") {
  net::asio::io_context io;
  const auto local = make_local_capability();
  const auto first = test::run(io, local->seq(10)).value();
  CHECK(test::run(io, local->seq(1)).value() == first + 10);
}
