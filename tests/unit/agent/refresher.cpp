#include "libdd/agent/refresher.hpp"

#include <doctest/doctest.h>

#include "libdd/crypto/digest.hpp"
#include "tests/unit/agent/room.hpp"

using namespace dd;
using namespace dd::agent;

namespace {

/// A registered agent whose interval is over at once; the test decides when a poll comes.
struct Refreshing : Room {
  Refresher refresher{context};
  std::shared_ptr<test::Started<bool>> running;
  std::vector<std::string> minted;

  Refreshing() {
    join();
    state.membership->refresh = std::chrono::milliseconds(1);
    state.shown = {"registration's", {std::string(kRegisterTag), Digest256{}, 3}};
    appraise = [this](const HttpRequest&) -> Result<HttpResponse> {
      minted.push_back("token " + std::to_string(minted.size() + 1));
      return test::http_answer(200, to_text(Json{{"token", minted.back()}}));
    };
  }
  Refreshing(const Refreshing&) = delete;
  Refreshing& operator=(const Refreshing&) = delete;
  ~Refreshing() {
    refresher.stop();
    test::settle(io);
  }
  void start() {
    auto ended = [](Refresher& one) -> net::Task<bool> {
      co_await one.run();
      co_return true;
    };
    running = test::start(io, ended(refresher));
  }
  void poll(int nonce) {
    state.poll_nonce = Digest256{static_cast<std::byte>(nonce)};
    refresher.polled();
  }
  template <class Done>
  void run_until(Done done) {
    io.restart();
    while (!done()) io.run_one();
  }
};

}  // namespace

TEST_CASE("a refreshed token is bound to the last poll's nonce, this control plane and this agent") {
  Refreshing f;
  f.poll(7);
  f.start();
  f.run_until([&f] { return f.state.shown.token == "token 1"; });
  const Digest256 nonce{std::byte{7}};
  CHECK(f.state.shown.binding == protocol::TokenBinding{std::string(kRefreshTag), nonce, 3});
  CHECK(f.capability.quotes.at(0).tag == kRefreshTag);
  const std::vector<Digest256> fields{nonce, crypto::sha256(as_bytes(kOrigin)), crypto::sha256(as_bytes(kAgentId))};
  CHECK(f.capability.quotes.at(0).fields == fields);
}

TEST_CASE("a token is not refreshed before a poll brought a nonce, and then at once") {
  Refreshing f;
  f.start();
  test::settle(f.io);
  f.io.restart();
  f.io.run_one();  // the interval is over
  test::settle(f.io);
  CHECK(f.capability.quotes.empty());
  CHECK(f.state.shown.token == "registration's");
  f.poll(1);
  f.run_until([&f] { return f.state.shown.token == "token 1"; });
}

TEST_CASE("a refresh that fails keeps the token that there is") {
  Refreshing f;
  f.appraise = [&f](const HttpRequest&) -> Result<HttpResponse> {
    f.minted.emplace_back("none");
    return test::http_answer(401, "{}");
  };
  f.poll(1);
  f.start();
  f.run_until([&f] { return !f.minted.empty(); });
  test::settle(f.io);
  CHECK(f.state.shown.token == "registration's");
  CHECK_FALSE(f.running->result.has_value());
  f.refresher.stop();  // also while it waits for its next try
  test::settle(f.io);
  CHECK(f.running->result.has_value());
}

TEST_CASE("a token that was minted for an agent id of before is thrown away") {
  Refreshing f;
  f.transport->hold();
  f.poll(1);
  f.start();
  f.run_until([&f] { return !f.transport->requests.empty(); });
  f.state.membership->agent_id = "dd-test-agent-2";
  f.state.membership->refresh = std::chrono::hours(1);
  f.state.shown.token = "the new registration's";
  f.transport->release();
  test::settle(f.io);
  CHECK(f.minted.size() == 1);
  CHECK(f.state.shown.token == "the new registration's");
}

TEST_CASE("a refresher that is stopped ends, whatever it waits for") {
  SUBCASE("for its interval") {
    Refreshing f;
    f.state.membership->refresh = std::chrono::hours(1);
    f.start();
    test::settle(f.io);
    f.refresher.stop();
    test::settle(f.io);
    CHECK(f.running->result.has_value());
  }
  SUBCASE("for a registration") {
    Refreshing f;
    f.state.membership.reset();
    f.start();
    test::settle(f.io);
    f.refresher.stop();
    test::settle(f.io);
    CHECK(f.running->result.has_value());
  }
}
