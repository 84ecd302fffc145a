// Ingress follows the workloads. Ports are real ones on loopback; the runtime and the control plane live in the test.
#include "libdd/agent/exposer.hpp"

#include <unistd.h>

#include <doctest/doctest.h>

#include "tests/unit/agent/listener.hpp"
#include "tests/unit/agent/room.hpp"

using namespace dd;
using namespace dd::agent;

namespace {

Expose expose(const std::string& label, std::uint16_t port) { return {label, port, ServiceProtocol::http}; }

struct Exposing : Room {
  std::vector<Expose> fixed = {expose("fixed", 7000)};
  int forgotten = 0;
  Exposer exposer{context, calls, fixed, [this] { ++forgotten; }};

  Exposing() {
    join();
    cp_publishes();
    exposer.registered(fixed, {"fixed." + kHostname});
  }
  /// Its run() from now on.
  void watch() {
    const auto running = [](Exposer& e) -> net::Task<bool> {
      co_await e.run();
      co_return true;
    };
    test::start(io, running(exposer));
  }
  /// watch() of nothing but that app, until it is public.
  void watch_public(const DeploymentInfo& app) {
    options.watch_interval = std::chrono::hours(1);
    deployments = {app};
    watch();
    looked(2);  // it is published
    looked(3);  // with a socket that was not there before
    REQUIRE(published.size() == 1);
  }
  /// Until the runtime was asked for its list so often, and what comes of that is done.
  void looked(std::ptrdiff_t times) {
    while (std::ranges::count(runtime_calls, "list") < times) io.run_one();
    test::settle(io);
  }
  /// The labels that are public after a sync.
  std::vector<std::string> labels() {
    if (const auto synced = run(exposer.sync()); !synced) throw std::runtime_error(synced.error().message);
    std::vector<std::string> out;
    for (const auto& one : exposer.published()) out.push_back(one.hostname_label);
    return out;
  }
};

/// An app that its process makes public at 127.0.0.1.
DeploymentInfo public_app(std::uint16_t port) {
  auto app = running("app", {expose("web", port)});
  app.listeners = {{"127.0.0.1", port}};
  return app;
}

using Labels = std::vector<std::string>;

}  // namespace

TEST_CASE("a workload is public once its port answers, and while it lives") {
  Exposing f;
  Listener web;
  const SilentPort silent;
  f.deployments = {running("app", {expose("web", web.port()), expose("slow", silent.port())})};
  CHECK(f.labels() == Labels{"fixed", "web"});
  CHECK(f.exposer.hostname_of("web") == "web." + kHostname);
  CHECK(f.exposer.hostname_of("slow").empty());

  web.close();  // a busy server that misses one probe keeps its name
  CHECK(f.labels() == Labels{"fixed", "web"});
  CHECK(f.published.size() == 1);

  f.deployments[0].status = DeploymentStatus::exited;
  CHECK(f.labels() == Labels{"fixed"});
  CHECK(f.exposer.hostname_of("web").empty());
}

TEST_CASE("only what runs is public, whatever answers on its port") {
  const Listener web;
  for (const auto status : {DeploymentStatus::deploying, DeploymentStatus::completed, DeploymentStatus::exited,
                            DeploymentStatus::failed, DeploymentStatus::stopped}) {
    CAPTURE(to_string(status));
    Exposing f;
    f.deployments = {running("app", {expose("web", web.port())})};
    f.deployments[0].status = status;
    CHECK(f.labels() == Labels{"fixed"});
  }
}

TEST_CASE("a boot workload is public whether it answers or not") {
  Exposing f;
  const SilentPort silent;
  f.deployments = {running("greeter", {expose("hello", silent.port())})};
  f.deployments[0].boot = true;
  CHECK(f.labels() == Labels{"fixed", "hello"});
}

TEST_CASE("what answers on a port counts only for the deployment whose process it is") {
  Exposing f;
  const Listener web;
  const auto public_one = expose("web", web.port());
  auto app = running("app", {public_one});
  app.listeners.emplace();
  f.deployments = {app};
  CHECK(f.labels() == Labels{"fixed"});
  f.deployments[0].listeners = {{"127.0.0.1", web.port()}};
  CHECK(f.labels() == Labels{"fixed", "web"});
  CHECK(f.exposer.is_public(public_one, app.id));
  CHECK_FALSE(f.exposer.is_public(public_one, "id-other"));
}

TEST_CASE("where somebody has just seen a workload listen the runtime is not asked for again") {
  Exposing f;
  const Listener web;
  auto app = running("app", {expose("web", web.port())});
  app.listeners = {{"127.0.0.1", web.port()}};
  auto other = running("other", {expose("other", web.port())});
  const auto lists = [&f] { return std::ranges::count(f.runtime_calls, "list"); };
  const struct {
    const char* name;
    std::vector<DeploymentInfo> run;
    const DeploymentInfo* seen;
    std::ptrdiff_t lists;
  } rows[] = {{"it was seen", {app}, &app, 1},
              {"it was not", {app}, &other, 2},
              {"another one is not public either", {app, other}, &app, 2}};
  for (const auto& row : rows) {
    CAPTURE(row.name);
    Exposing g;
    g.deployments = row.run;
    g.deployments[0].listeners.reset();
    g.exposer.saw(*row.seen);
    const auto asked = std::ranges::count(g.runtime_calls, "list");
    CHECK(g.labels().size() >= 2);
    CHECK(std::ranges::count(g.runtime_calls, "list") - asked == row.lists);
  }
  // What was seen counts, and not what could be reached there.
  app.listeners.emplace();
  f.deployments = {app};
  f.exposer.saw(app);
  CHECK(f.labels() == Labels{"fixed"});
  CHECK(lists() == 1);
}

TEST_CASE("a redeployed app keeps its host name for a minute, until it is the new deployment's or nobody's") {
  Exposing f;
  const Listener web;
  const auto public_one = expose("web", web.port());
  f.deployments = {running("app", {public_one})};
  f.deployments[0].listeners = {{"127.0.0.1", web.port()}};
  CHECK(f.labels() == Labels{"fixed", "web"});

  auto next = running("app", {public_one});
  next.id = "id-next";
  next.listeners.emplace();
  SUBCASE("that is ready in time") {
    f.deployments[0].status = DeploymentStatus::stopped;
    next.status = DeploymentStatus::deploying;
    f.deployments.push_back(next);
    CHECK(f.labels() == Labels{"fixed", "web"});
    f.deployments[1].status = DeploymentStatus::running;
    f.clock.advance(Exposer::kSuccession - std::chrono::seconds(1));
    CHECK(f.labels() == Labels{"fixed", "web"});
    CHECK_FALSE(f.exposer.is_public(public_one, "id-next"));
    f.deployments[1].listeners = {{"0.0.0.0", web.port()}};
    CHECK(f.labels() == Labels{"fixed", "web"});
    CHECK(f.exposer.is_public(public_one, "id-next"));
    CHECK(f.published.size() == 1);  // nothing to tell
    f.clock.advance(Exposer::kSuccession);
    CHECK(f.labels() == Labels{"fixed", "web"});
  }
  SUBCASE("on another port") {
    const Listener elsewhere;
    next.expose[0].port = elsewhere.port();
    f.deployments = {next};
    CHECK(f.labels() == Labels{"fixed", "web"});
    CHECK(f.exposer.published().back().port == web.port());
    f.deployments[0].listeners = {{"127.0.0.1", elsewhere.port()}};
    CHECK(f.labels() == Labels{"fixed", "web"});
    CHECK(f.exposer.published().back().port == elsewhere.port());
    CHECK(f.exposer.is_public(next.expose[0], "id-next"));
    CHECK(f.published.size() == 2);
  }
  SUBCASE("that is never ready") {
    f.deployments = {next};
    CHECK(f.labels() == Labels{"fixed", "web"});
    f.clock.advance(Exposer::kSuccession);
    CHECK(f.labels() == Labels{"fixed"});
  }
  SUBCASE("that ends") {
    f.deployments = {next};
    CHECK(f.labels() == Labels{"fixed", "web"});
    f.deployments[0].status = DeploymentStatus::exited;
    CHECK(f.labels() == Labels{"fixed"});
  }
  SUBCASE("another app has no claim to it") {
    next.app_name = "other";
    f.deployments = {next};
    CHECK(f.labels() == Labels{"fixed"});
  }
}

TEST_CASE("the control plane is asked only when something changed") {
  Exposing f;
  const Listener web;
  f.labels();
  CHECK(f.published.empty());
  f.deployments = {running("app", {expose("web", web.port())})};
  f.labels();
  f.labels();
  CHECK(f.published.size() == 1);
}

TEST_CASE("what could not be published is tried again, after a pause that doubles however often it is wanted") {
  Exposing f;
  const Listener web;
  f.deployments = {running("app", {expose("web", web.port())})};
  f.deployments[0].boot = true;  // not looked at: nobody accepts what thousands of looks would open
  f.cp("POST /ingress/replace", [](const HttpRequest&) { return fail(ErrorCode::unavailable, "cannot connect"); });
  const auto synced = f.run(f.exposer.sync());
  REQUIRE_FALSE(synced.has_value());
  CHECK(synced.error().code == ErrorCode::unavailable);
  CHECK(f.exposer.published() == f.fixed);
  CHECK(f.forgotten == 0);

  int asked = 0;
  f.cp("POST /ingress/replace", [&](const HttpRequest&) {
    ++asked;
    return fail(ErrorCode::unavailable, "cannot connect");
  });
  const auto begun = std::chrono::steady_clock::now();
  while (asked < 3) REQUIRE_FALSE(f.run(f.exposer.sync()).has_value());
  CHECK(std::chrono::steady_clock::now() - begun >= std::chrono::milliseconds(25 + 50 + 100));

  f.deployments.push_back(running("other", {expose("other", web.port())}));  // what is new does not wait
  f.deployments[1].boot = true;
  REQUIRE_FALSE(f.run(f.exposer.sync()).has_value());
  CHECK(asked == 4);
  f.cp_publishes();
  while (f.published.empty()) (void)f.run(f.exposer.sync());
  CHECK(f.labels() == Labels{"fixed", "other", "web"});
}

TEST_CASE("in quarantine the control plane is asked whether it is over, after pauses too") {
  Exposing f;
  const Listener web;
  f.quarantined = true;
  f.deployments = {running("app", {expose("web", web.port())})};
  CHECK(f.labels() == Labels{"fixed", "web"});
  const auto begun = std::chrono::steady_clock::now();
  while (f.published.size() < 4) f.labels();
  CHECK(std::chrono::steady_clock::now() - begun >= std::chrono::milliseconds(25 + 50));
  CHECK(f.exposer.quarantined());
  f.quarantined = false;
  while (f.exposer.quarantined()) f.labels();
  const auto asked = f.published.size();
  f.labels();
  CHECK(f.published.size() == asked);
}

TEST_CASE("an agent that the control plane forgot is told so, for that reason alone") {
  Exposing f;
  const Listener web;
  f.deployments = {running("app", {expose("web", web.port())})};
  const auto refuse_with = [&f](const std::string& body) {
    f.cp("POST /ingress/replace", [body](const HttpRequest&) { return test::http_answer(404, body); });
    f.deployments[0].expose[0].hostname_label += "-2";  // what is new is asked for at once
    CHECK_FALSE(f.run(f.exposer.sync()).has_value());
  };
  refuse_with(R"({"code":"not_found","message":"cannot find route"})");
  CHECK(f.forgotten == 0);
  refuse_with(R"({"code":"not_found","message":"no agent","reason":"agent_unknown"})");
  CHECK(f.forgotten == 1);
}

TEST_CASE("without the runtime nothing is changed") {
  Exposing f;
  f.runtime_refusal = Json{{"ok", false}, {"error", "cannot list"}, {"code", "internal"}};
  CHECK_FALSE(f.run(f.exposer.sync()).has_value());
  CHECK(f.published.empty());
  CHECK(f.run(f.exposer.at_registration()) == f.fixed);
}

TEST_CASE("before it is registered an agent publishes nothing") {
  Exposing f;
  f.state.membership.reset();
  const auto synced = f.run(f.exposer.sync());
  REQUIRE_FALSE(synced.has_value());
  CHECK(synced.error().code == ErrorCode::unavailable);
  CHECK(f.runtime_calls.empty());
}

TEST_CASE("a registration publishes boot workloads, and of the others what was public already") {
  Exposing f;
  const Listener web;
  const SilentPort silent;
  auto greeter = running("greeter", {expose("hello", silent.port())});
  greeter.boot = true;
  auto dead = running("dead", {expose("dead", 7001)});
  dead.boot = true;
  dead.status = DeploymentStatus::failed;
  f.deployments = {greeter, dead, running("app", {expose("web", web.port()), expose("slow", silent.port())}),
                   running("new", {expose("new", silent.port())})};
  CHECK(f.labels() == Labels{"fixed", "hello", "web"});

  const auto extras = f.run(f.exposer.at_registration());
  Labels labels;
  for (const auto& one : extras) labels.push_back(one.hostname_label);
  CHECK(labels == Labels{"fixed", "hello", "web"});
}

TEST_CASE("the watch ends when it is stopped") {
  Exposing f;
  f.options.watch_interval = std::chrono::hours(1);
  auto watch = [](Exposer& exposer) -> net::Task<bool> {
    co_await exposer.run();
    co_return true;
  };
  const auto watching = test::start(f.io, watch(f.exposer));
  while (f.runtime_calls.empty()) f.io.run_one();  // the first look comes at once
  test::settle(f.io);
  CHECK_FALSE(watching->result.has_value());
  f.exposer.stop();
  test::settle(f.io);
  CHECK(watching->result.has_value());
}

TEST_CASE("a workload is public no more once its port is somebody else's") {
  struct Row {
    const char* name;
    bool boot;
    std::vector<std::string> own;  // addresses at which its process listens afterwards
    bool known;                    // whether the runtime can tell
    std::string other;             // the address at which somebody else listens afterwards, or empty
    std::string address;           // where visitors are led to then; empty: nowhere
  };
  const std::string here = "127.0.0.1";
  const Row rows[] = {
      {"another has it", false, {}, true, here, ""},
      {"another has it for any address", false, {}, true, "0.0.0.0", ""},
      {"another has it in both families", false, {}, true, "::", ""},
      {"another has it by an address of the other family", false, {}, true, "::ffff:127.0.0.1", ""},
      {"another has it in the other family", false, {}, true, "::1", here},
      {"another has it, of a boot workload", true, {}, true, here, ""},
      {"its process has closed it", false, {}, true, "", here},
      {"its process has opened it anew", false, {here}, true, here, here},
      {"its process has opened it for any address", false, {"0.0.0.0"}, true, here, here},
      {"its process listens on ::1 and another where it did", false, {"::1"}, true, here, "::1"},
      {"its process listens on ::1 alone", false, {"::1"}, true, "", "::1"},
      {"a boot workload's process listens on ::1 alone", true, {"::1"}, true, "", "::1"},
      {"nobody can tell", false, {}, false, here, here},
  };
  for (const auto& row : rows) {
    CAPTURE(row.name);
    Exposing f;
    Listener web;
    const auto port = web.port();
    auto app = public_app(port);
    app.boot = row.boot;
    f.watch_public(app);

    web.close();
    std::optional<Listener> other;
    if (!row.other.empty()) other.emplace(boost::asio::ip::make_address(row.other), port);
    std::optional<Listener> own6;
    f.deployments[0].listeners.reset();
    if (row.known) f.deployments[0].listeners.emplace();
    for (const auto& address : row.own) {
      f.deployments[0].listeners->push_back({address, port});
      if (address == "::1") own6.emplace(boost::asio::ip::address_v6::loopback(), port);
    }
    f.looked(4);
    const auto found = std::ranges::find(f.exposer.published(), "web", &Expose::hostname_label);
    CHECK((found == f.exposer.published().end() ? "" : found->address) == row.address);
    // And so it stays, however often it is looked at.
    const auto asked = f.published.size();
    CHECK(f.labels().size() == (row.address.empty() ? 1 : 2));
    CHECK(f.labels().size() == (row.address.empty() ? 1 : 2));
    CHECK(f.published.size() == asked);
    if (row.boot && row.address.empty()) CHECK(f.run(f.exposer.at_registration()) == f.fixed);
    f.exposer.stop();
    test::settle(f.io);
  }
}

TEST_CASE("where the runtime does not say who listens, the uids have to do, if apps have their own") {
  for (const bool apart : {false, true}) {
    CAPTURE(apart);
    Exposing f;
    Listener web;
    const auto port = web.port();
    auto app = public_app(port);
    app.uid = static_cast<std::int64_t>(geteuid()) + (apart ? 1 : 0);  // that of our sockets, or not
    f.watch_public(app);
    web.close();
    const Listener next(boost::asio::ip::address_v4::loopback(), port);
    f.fails_with_listeners = true;
    f.looked(5);  // in vain, and without
    CHECK(f.exposer.published().size() == (apart ? 1 : 2));
    f.exposer.stop();
    test::settle(f.io);
  }
}

TEST_CASE("a name that is kept for the next deployment of an app is not kept for who has taken its port meanwhile") {
  for (const auto status : {DeploymentStatus::deploying, DeploymentStatus::running}) {
    CAPTURE(to_string(status));
    Exposing f;
    Listener web;
    const auto port = web.port();
    f.watch_public(public_app(port));
    web.close();
    const Listener thief(boost::asio::ip::address_v4::loopback(), port);
    f.deployments[0].status = DeploymentStatus::stopped;
    auto next = running("app", {expose("web", port)});
    next.id = "id-next";
    next.status = status;
    next.listeners.emplace();
    f.deployments.push_back(next);
    f.looked(4);
    CHECK(f.exposer.published() == f.fixed);
    f.exposer.stop();
    test::settle(f.io);
  }
}

TEST_CASE("what is public says the address at which it was seen to answer, and keeps it") {
  Exposing f;
  Listener web;
  f.deployments = {running("app", {expose("web", web.port())})};
  CHECK(f.labels() == Labels{"fixed", "web"});
  CHECK(f.published.back().back().address == "127.0.0.1");
  CHECK(f.published.back().front().address.empty());  // of a fixed one nobody knows
  web.close();
  CHECK(f.labels() == Labels{"fixed", "web"});
  CHECK(f.run(f.exposer.at_registration()).back().address == "127.0.0.1");
  CHECK(f.published.size() == 1);
}

TEST_CASE("a list whose answer was an error may be public all the same, and what was there before is sent again") {
  Exposing f;
  Listener web;
  CHECK(f.labels() == Labels{"fixed"});
  f.deployments = {running("app", {expose("web", web.port())})};
  f.cp("POST /ingress/replace", [](const HttpRequest&) { return test::http_answer(503, "{}"); });
  CHECK_FALSE(f.run(f.exposer.sync()).has_value());
  f.deployments.clear();
  f.cp_publishes();
  CHECK(f.labels() == Labels{"fixed"});
  CHECK(f.published.size() == 1);
  CHECK(f.labels() == Labels{"fixed"});
  CHECK(f.published.size() == 1);
}
