#include <doctest/doctest.h>

#include <cstring>
#include <set>

#include "dd/tunnel.hpp"

using namespace dd;

namespace {

const Bytes kKey = to_bytes("fleet key of this test, 32 bytes");

/// A repeatable sequence.
class CountingRandom final : public Random {
 public:
  void fill(std::span<std::byte> out) override {
    for (auto& byte : out) byte = std::byte((state_ = state_ * 1664525 + 1013904223) >> 16 & 0xff);
  }

 private:
  unsigned state_ = 7;
};

}  // namespace

TEST_CASE("a tunnel name is ours, unlike any other and one DNS label, for every length of the environment") {
  CountingRandom random;
  std::set<std::string> seen;
  for (std::size_t length = 1; length <= 17; ++length) {
    for (const std::string kind : {"agent", "cp"}) {
      const std::string env(length, 'e');
      const auto name = make_tunnel_name(env, kind, kKey, random);
      CAPTURE(name);
      CHECK(name.size() <= 63);
      CHECK(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string::npos);
      CHECK(is_our_tunnel_name(name, env, kind, kKey));
      CHECK(extra_hostname("web", name + ".example.com", IngressStyle::nested).has_value());
      CHECK(seen.insert(name).second);
    }
  }
}

TEST_CASE("the mark of a tunnel name does not change between releases") {
  class Zeros final : public Random {
    void fill(std::span<std::byte> out) override { std::memset(out.data(), 0, out.size()); }
  } zeros;
  CHECK(make_tunnel_name("prod", "agent", kKey, zeros) == "dd-prod-agent-00000000-0000-8000-8000-e64cb6f735ae");
}

TEST_CASE("a name that differs in any one character is not ours") {
  CountingRandom random;
  const auto name = make_tunnel_name("prod", "agent", kKey, random);
  for (std::size_t i = 0; i < name.size(); ++i) {
    auto other = name;
    other[i] = other[i] == '0' ? '1' : '0';
    CAPTURE(other);
    CHECK_FALSE(is_our_tunnel_name(other, "prod", "agent", kKey));
  }
}

TEST_CASE("a similar foreign name is not ours") {
  CountingRandom random;
  const auto name = make_tunnel_name("prod", "agent", kKey, random);
  auto upper = name;
  for (auto& c : upper) c = static_cast<char>(std::toupper(c));
  const struct {
    const char* name;
    std::string text;
  } cases[] = {
      {"empty", ""},
      {"something in front", "x" + name},
      {"something behind", name + "0"},
      {"cut", name.substr(0, name.size() - 1)},
      {"prefix only", "dd-prod-agent-"},
      {"other case", "dd-prod-agent-" + upper.substr(14)},
      {"another fleet's", make_tunnel_name("prod", "agent", to_bytes("the key of somebody else's fleet"), random)},
      {"another environment's", make_tunnel_name("prod2", "agent", kKey, random)},
      {"another kind's", make_tunnel_name("prod", "cp", kKey, random)},
      {"no mark", "dd-prod-agent-00000000-0000-4000-8000-000000000000"},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    CHECK_FALSE(is_our_tunnel_name(c.text, "prod", "agent", kKey));
  }
}
