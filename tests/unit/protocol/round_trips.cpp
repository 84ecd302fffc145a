#include <doctest/doctest.h>

#include <random>

#include "libdd/core/json.hpp"
#include "tests/unit/protocol/samples.hpp"

using namespace dd;
using namespace dd::protocol;

namespace {

// Messages with every member drawn at random, the same at each run.
class Draw {
 public:
  explicit Draw(unsigned seed) : engine_(seed) {}

  std::int64_t integer(std::int64_t least, std::int64_t most) {
    return std::uniform_int_distribution(least, most)(engine_);
  }
  std::size_t count(std::size_t most) { return static_cast<std::size_t>(integer(0, static_cast<std::int64_t>(most))); }

  template <std::size_t N>
  std::array<std::byte, N> digest() {
    std::array<std::byte, N> out{};
    for (auto& byte : out) byte = static_cast<std::byte>(integer(0, 255));
    return out;
  }

  Bytes bytes(std::size_t size) {
    Bytes out(size);
    for (auto& byte : out) byte = static_cast<std::byte>(integer(0, 255));
    return out;
  }

  std::string word(std::string_view alphabet, std::size_t size) {
    std::string out;
    while (out.size() < size)
      out.push_back(alphabet[static_cast<std::size_t>(integer(0, static_cast<std::int64_t>(alphabet.size()) - 1))]);
    return out;
  }

  std::string label() { return word("abcxyz019", 1 + count(15)); }
  std::string boot_id() { return to_hex(digest<16>()); }
  std::int64_t time() { return integer(0, std::int64_t{1} << 53); }

  std::vector<Expose> extras() {
    std::vector<Expose> out;
    for (std::size_t i = count(64); i > 0; --i)
      out.push_back({"l" + std::to_string(i), static_cast<std::uint16_t>(integer(1, 65535)),
                     static_cast<ServiceProtocol>(integer(0, 2)),
                     i % 3 == 0   ? ""
                     : i % 3 == 1 ? "127.0.0.1"
                                  : "::1"});
    return out;
  }

  std::vector<std::string> events(std::size_t most) {
    std::vector<std::string> out;
    for (std::size_t i = count(most); i > 0; --i)
      out.push_back(R"({"env":{"K":"\n\"\\ )" + label() + "\xf0\x9f\x98\x80" + R"("},"index":)" +
                    std::to_string(integer(0, 9)) + "}");
    return out;
  }

 private:
  std::mt19937 engine_;
};

RegisterClaims draw_register_claims(Draw& draw) {
  auto claims = samples::register_claims();
  claims.audience = "https://" + draw.label();
  claims.issued_at = draw.time();
  claims.vm_name = draw.label();
  claims.env_label = draw.label();
  claims.owner = draw.label();
  if (draw.integer(0, 1) == 1) claims.owner += "/" + draw.label();
  claims.nonce = draw.digest<32>();
  claims.signing_key = crypto::OkpPublicKey(crypto::Curve::ed25519, draw.digest<32>());
  claims.sealing_key = crypto::OkpPublicKey(crypto::Curve::x25519, draw.digest<32>());
  claims.boot_id = draw.boot_id();
  claims.extra_ingress = draw.extras();
  claims.agent_port = static_cast<std::uint16_t>(draw.integer(1, 65535));
  claims.event_log = draw.events(40);
  const auto events = static_cast<std::int64_t>(claims.event_log.size());
  claims.quoted_events = events == 0 ? 0 : events - draw.integer(0, 1);
  claims.ita_token = draw.word("abc._-", 1 + draw.count(500));
  return claims;
}

RegisterAnswer draw_register_answer(Draw& draw) {
  RegisterAnswer answer;
  answer.agent_id = draw.label();
  answer.hostname = draw.label() + "." + draw.label();
  answer.cp_hostname = draw.label();
  answer.cp_key = crypto::OkpPublicKey(crypto::Curve::ed25519, draw.digest<32>());
  answer.tunnel_token_sealed = draw.bytes(draw.count(300));
  for (auto i = draw.count(64); i > 0; --i) answer.extra_hostnames.push_back(draw.label());
  answer.poll_interval_secs = draw.integer(1, 86400);
  answer.refresh_secs = draw.integer(1, 86400);
  if (draw.integer(0, 1) == 1) answer.verdict = R"({"accepted":true,"notes":[")" + draw.label() + R"("]})";
  return answer;
}

AgentHealth draw_agent_health(Draw& draw) {
  auto health = samples::agent_health();
  health.base.ok = draw.integer(0, 1) == 1;
  health.agent_id = draw.label();
  health.boot_id = draw.boot_id();
  health.binding = {"dd/register/v1", draw.digest<32>(), draw.time()};
  health.log.events = draw.events(256);
  health.log.from = draw.integer(0, 3000);
  health.log.total = health.log.from + static_cast<std::int64_t>(health.log.events.size());
  health.log.head = draw.digest<48>();
  health.deployments.clear();
  for (auto i = draw.count(20); i > 0; --i) health.deployments.push_back({draw.label(), draw.label()});
  health.extra_ingress = draw.extras();
  health.uptime_secs = draw.time();
  health.metrics = {static_cast<double>(draw.integer(0, 1'000'000)) / 7, static_cast<double>(draw.integer(0, 1000)) / 3,
                    draw.time(), draw.time()};
  return health;
}

Json through_text(const Json& value) { return parse_json(to_text(value)).value(); }

}  // namespace

TEST_CASE("any register claims are read back as they were written") {
  Draw draw(1);
  for (int i = 0; i < 200; ++i) {
    const auto claims = draw_register_claims(draw);
    const auto value = to_json_value(claims);
    CHECK(register_claims_from(through_text(value), "$").value() == claims);
    CHECK(hashed_claims(through_text(value)).value() == hashed_claims(value).value());
  }
}

TEST_CASE("any register answer is read back as it was written") {
  Draw draw(2);
  for (int i = 0; i < 200; ++i) {
    const auto answer = draw_register_answer(draw);
    CHECK(register_answer_from(through_text(to_json_value(answer))).value() == answer);
    const ChallengeAnswer challenge{draw.digest<32>(), draw.integer(1, 86400)};
    CHECK(challenge_answer_from(through_text(to_json_value(challenge))).value() == challenge);
  }
}

TEST_CASE("any health answer is read back as it was written") {
  Draw draw(3);
  for (int i = 0; i < 100; ++i) {
    const auto health = draw_agent_health(draw);
    CHECK(agent_health_from(through_text(to_json_value(health))).value() == health);
  }
}

TEST_CASE("any replacement of ingress is read back as it was written") {
  Draw draw(4);
  for (int i = 0; i < 100; ++i) {
    const IngressReplace request{draw.label(), draw.extras()};
    CHECK(ingress_replace_from(through_text(to_json_value(request))).value() == request);
    const IngressAnswer answer{draw.label(),
                               {draw.label(), draw.label()},
                               i % 2 == 0,
                               i % 3 == 0 ? std::nullopt : std::optional<std::int64_t>(i)};
    CHECK(ingress_answer_from(through_text(to_json_value(answer))).value() == answer);
  }
}
