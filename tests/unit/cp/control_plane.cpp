#include "dd/control_plane.hpp"

#include <doctest/doctest.h>

#include "dd/config.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/cp/memory_registry.hpp"

using namespace dd;

namespace {

ControlPlaneOptions good_options(const TempDir& dir) {
  ControlPlaneOptions options;
  options.env = "test";
  options.owner = {"octo", 42, OwnerKind::user};
  options.hostname = "app.dd.example";
  options.domain = "dd.example";
  options.policy = "tofu";
  options.state_dir = dir.path() / "state";
  return options;
}

}  // namespace

TEST_CASE("a control plane that is set up well is made, with a registry of its own") {
  const TempDir dir;
  REQUIRE(ControlPlane::create(good_options(dir)).has_value());
  CHECK(std::filesystem::exists(dir.path() / "state" / "registry.db"));
}

TEST_CASE("an embedder's registry is used instead of a file") {
  const TempDir dir;
  auto options = good_options(dir);
  options.registry = std::make_shared<cp::MemoryRegistry>();
  REQUIRE(ControlPlane::create(std::move(options)).has_value());
  CHECK_FALSE(std::filesystem::exists(dir.path() / "state" / "registry.db"));
}

TEST_CASE("an option that cannot work is refused by its variable's name") {
  const TempDir dir;
  const auto not_json = dir.write("policy.json", "{").string();
  const auto unsafe = dir.write("open.json", R"({"version":1,"rules":{}})").string();
  const struct {
    std::string word;
    std::function<void(ControlPlaneOptions&)> bend;
  } rows[] = {
      {"DD_POLICY", [](auto& o) { o.policy.clear(); }},
      {"cannot use DD_POLICY: cannot read", [&](auto& o) { o.policy = (dir.path() / "missing").string(); }},
      {"Is a directory", [&](auto& o) { o.policy = dir.path().string(); }},
      {"larger than 1024 KiB",
       [&](auto& o) { o.policy = dir.write("long", std::string(1024 * 1024 + 1, ' ')).string(); }},
      {"cannot use policy", [&](auto& o) { o.policy = not_json; }},
      {"$.rules", [&](auto& o) { o.policy = unsafe; }},
      {"cannot read TOFU", [](auto& o) { o.policy = "TOFU"; }},
      {"DD_ENV", [](auto& o) { o.env.clear(); }},
      {"DD_ENV", [](auto& o) { o.env = "eighteen-letters-x"; }},
      {"DD_OWNER", [](auto& o) { o.owner.login.clear(); }},
      {"DD_HOSTNAME", [](auto& o) { o.hostname.clear(); }},
      {"DD_CF_DOMAIN", [](auto& o) { o.domain.clear(); }},
      {"DD_CP_ORIGIN", [](auto& o) { o.origin = "app.dd.example"; }},
      {"DD_CP_ORIGIN", [](auto& o) { o.origin = "ftp://app.dd.example"; }},
      {"DD_WORKLOAD_DOMAIN", [](auto& o) { o.workload_domain = "dd-apps.example"; }},
      {"DD_WORKLOAD_DOMAIN", [](auto& o) { o.workload_zone_id = "zone"; }},
      {"DD_WORKLOAD_DOMAIN", [](auto& o) { o.workload_domain = o.domain, o.workload_zone_id = "zone"; }},
      {"DD_WORKLOAD_DOMAIN", [](auto& o) { o.workload_domain = "apps." + o.domain, o.workload_zone_id = "zone"; }},
      {"DD_WORKLOAD_DOMAIN", [](auto& o) { o.workload_domain = "example", o.workload_zone_id = "zone"; }},
      {"DD_WORKLOAD_DOMAIN", [](auto& o) { o.workload_domain = "no domain", o.workload_zone_id = "zone"; }},
      {"DD_SCRAPE_INTERVAL", [](auto& o) { o.poll_interval = {}; }},
      {"DD_POLL_TIMEOUT", [](auto& o) { o.poll_timeout = {}; }},
      {"DD_REFRESH_INTERVAL", [](auto& o) { o.refresh_interval = {}; }},
      {"DD_TOKEN_LEEWAY", [](auto& o) { o.token_leeway = -std::chrono::seconds(1); }},
      {"DD_DELETE_AFTER", [](auto& o) { o.delete_after = {}; }},
      {"DD_TUNNEL_CHECK_AFTER", [](auto& o) { o.tunnel_check_after = {}; }},
      {"DD_RENEW_FOR", [](auto& o) { o.renew_for = std::chrono::hours(1'000'000); }},
      {"DD_SESSION_LIFE", [](auto& o) { o.session_life = std::chrono::milliseconds(999); }},
      {"DD_STOP_GRACE", [](auto& o) { o.stop_grace = -std::chrono::seconds(1); }},
      {"cannot create", [&](auto& o) { o.state_dir = not_json + "/state"; }},
  };
  for (const auto& row : rows) {
    auto options = good_options(dir);
    row.bend(options);
    const auto made = ControlPlane::create(std::move(options));
    CAPTURE(row.word);
    REQUIRE_FALSE(made.has_value());
    CAPTURE(made.error().message);
    CHECK(made.error().message.find(row.word) != std::string::npos);
  }
}

TEST_CASE("simulated evidence takes a build that has the simulator") {
  const TempDir dir;
  auto options = good_options(dir);
  options.accept_simulated = true;
  const auto made = ControlPlane::create(std::move(options));
#ifdef DD_SIMULATION
  CHECK(made.has_value());
#else
  REQUIRE_FALSE(made.has_value());
  CHECK(made.error().code == ErrorCode::unsupported);
#endif
}

TEST_CASE("a registry that is another program's stops the start") {
  const TempDir dir;
  auto options = good_options(dir);
  std::filesystem::create_directories(options.state_dir);
  dir.write("state/registry.db", std::string(4096, 'x'));
  const auto made = ControlPlane::create(std::move(options));
  REQUIRE_FALSE(made.has_value());
  CHECK(made.error().code == ErrorCode::unavailable);
}
