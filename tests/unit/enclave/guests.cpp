// What the runtime keeps of its own for what owners must always be able to do.
#include "libdd/enclave/guests.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <doctest/doctest.h>
#include <boost/asio/thread_pool.hpp>
#include <nlohmann/json.hpp>

#include "dd/random.hpp"
#include "libdd/net/loop.hpp"
#include "tests/support/check_error.hpp"
#include "tests/support/run_task.hpp"
#include "tests/support/temp_dir.hpp"

using namespace dd;
using namespace dd::enclave;

namespace {

/// The parts of a runtime that guests need, without its socket.
struct GuestsFixture {
  GuestsFixture() {
    settings.search_path = "/usr/bin:/bin";
    settings.stop_grace = std::chrono::milliseconds(100);
    settings.clock = &system_clock();
    settings.random = &system_random();
  }
  GuestsFixture(const GuestsFixture&) = delete;
  GuestsFixture& operator=(const GuestsFixture&) = delete;
  ~GuestsFixture() {
    pool.join();
    cleaner.stop();
    io.end_tasks();
  }

  Result<GuestPtr> start() {
    GuestStdio stdio;
    stdio.output = UniqueFd(open("/dev/null", O_WRONLY | O_CLOEXEC));
    return test::run(io, guests.start({"exec", {"true"}, "", false}, std::move(stdio)));
  }
  Result<void> record_deploy() { return test::run(io, log.record({{"type", "deploy"}})); }

  TempDir folder;
  net::Loop io;
  net::asio::thread_pool pool{1};
  Cleaner cleaner;
  Settings settings;
  DataDir data = DataDir::open(folder.path() / "data", false).value();
  VmKeys keys{system_random()};
  MeasuredLog log{io.get_executor(), pool, nullptr};
  CapabilityServer capability{keys, log, "none", [] { return Result<void>{}; }};
  Deployments deployments;
  ExecutableStore store{data.store(), "/usr/bin:/bin"};
  Supervisor supervisor{io.get_executor(), cleaner, settings, data, capability, [](DeploymentPtr) {}};
  Guests guests{io.get_executor(), pool, settings, deployments, store, log, supervisor, [] {}};
};

}  // namespace

TEST_CASE("commands leave the end of the event log to deploys and stops") {
  GuestsFixture f;
  const auto for_all = EventLog::kMaxEvents - Guests::kReservedEvents;
  while (f.log.events().size() + 1 < for_all) REQUIRE(f.record_deploy().has_value());
  const auto last = f.start();
  REQUIRE_MESSAGE(last.has_value(), last.error().message);
  CHECK(test::run(f.io, f.guests.see_out(*last)).code == 0);
  CHECK(f.log.events().size() == for_all);

  test::check_error(f.start(), ErrorCode::unavailable, "", "what is left is for deploys");
  CHECK(f.log.events().size() == for_all);
  for (std::size_t i = 0; i < Guests::kReservedEvents; ++i) REQUIRE(f.record_deploy().has_value());
}

TEST_CASE("a family never becomes everything that root runs, whatever its uid says") {
  constexpr pid_t nobody = 0x7fffffff;
  CHECK(living({.leader = nobody, .uid = 0}).empty());
  CHECK_FALSE(living({.leader = getsid(0), .uid = 0}).empty());
}
