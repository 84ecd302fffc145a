#include "libdd/cli/fleet_context.hpp"

#include <sys/stat.h>

#include <doctest/doctest.h>

#include "tests/unit/cli/captured.hpp"

using namespace dd;
using namespace dd::cli;

namespace {

/// As `ddctl up` leaves it.
FleetContext local_fleet() {
  FleetContext context;
  context.cp_url = "http://app.dd.localhost:8080";
  context.edge_url = "http://127.0.0.1:8080";
  context.credential = Secret("ghp_local");
  context.ita_issuer = "http://127.0.0.1:9000";
  context.ita_jwks_url = "http://127.0.0.1:9000/certs";
  context.simulated = true;
  return context;
}

}  // namespace

TEST_CASE("the fleet that runs here is found again as it was written, by its owner alone") {
  const Environment environment;
  const auto file = context_file().value();
  CHECK(file == environment.home().path() / ".local" / "state" / "dd" / "fleet.json");
  REQUIRE(write_context(file, local_fleet()).has_value());
  struct stat info{};
  REQUIRE(::stat(file.c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0600);

  const auto found = load_context({}).value();
  CHECK(found.cp_url == "http://app.dd.localhost:8080");
  CHECK(found.edge_url == "http://127.0.0.1:8080");
  CHECK(found.credential.reveal() == "ghp_local");
  CHECK(found.ita_issuer == "http://127.0.0.1:9000");
  CHECK(found.ita_jwks_url == "http://127.0.0.1:9000/certs");
  CHECK(found.simulated);
}

TEST_CASE("the place of the file: DD_CONTEXT, XDG_STATE_HOME, the home directory") {
  Environment environment;
  environment.set("XDG_STATE_HOME", "/state");
  CHECK(context_file().value() == "/state/dd/fleet.json");
  environment.set("DD_CONTEXT", "/elsewhere.json");
  CHECK(context_file().value() == "/elsewhere.json");
}

TEST_CASE("nothing of the local fleet leaks to another that is named") {
  Environment environment;
  REQUIRE(write_context(context_file().value(), local_fleet()).has_value());
  FleetFlags flags;
  SUBCASE("by flag") { flags.cp_url = "https://app.example.com"; }
  SUBCASE("by variable") { environment.set("DD_CP_URL", "https://app.example.com"); }
  const auto found = load_context(flags).value();
  CHECK(found.cp_url == "https://app.example.com");
  CHECK(found.edge_url.empty());
  CHECK(found.credential.empty());
  CHECK(found.ita_issuer == FleetContext().ita_issuer);
  CHECK_FALSE(found.simulated);
}

TEST_CASE("a flag goes before a variable, and a variable before the file") {
  Environment environment;
  REQUIRE(write_context(context_file().value(), local_fleet()).has_value());
  environment.set("DD_PAT", "ghp_variable");
  environment.set("DD_ITA_ISSUER", "https://ita.example");
  auto found = load_context({}).value();
  CHECK(found.cp_url == "http://app.dd.localhost:8080");
  CHECK(found.credential.reveal() == "ghp_variable");
  CHECK(found.ita_issuer == "https://ita.example");

  FleetFlags flags;
  flags.cp_url = "https://flag.example";
  flags.pat_file = environment.home().write("pat", "ghp_flag\n");
  environment.set("DD_CP_URL", "https://variable.example");
  found = load_context(flags).value();
  CHECK(found.cp_url == "https://flag.example");
  CHECK(found.credential.reveal() == "ghp_flag");
}

TEST_CASE("without any fleet the message says what to do") {
  const Environment environment;
  const auto found = load_context({});
  REQUIRE_FALSE(found.has_value());
  CHECK(found.error().code == ErrorCode::invalid_argument);
  CHECK(found.error().message.find("ddctl up") != std::string::npos);
}

TEST_CASE("a PAT file that cannot be used is told by its flag") {
  const Environment environment;
  FleetFlags flags;
  flags.cp_url = "https://app.example.com";
  flags.pat_file = environment.home().path() / "missing";
  const auto found = load_context(flags);
  REQUIRE_FALSE(found.has_value());
  CHECK(found.error().message.starts_with("cannot use --pat-file"));
}

TEST_CASE("a context file that is not ours is refused by its name, and does not stand in the way of another fleet") {
  const Environment environment;
  const auto file = context_file().value();
  std::filesystem::create_directories(file.parent_path());
  const std::string broken[] = {
      "{", "[]", "{}", R"({"cp_url":"x","edge_url":"","credential":"","ita_issuer":"","ita_jwks_url":"","more":1})"};
  for (const auto& text : broken) {
    CAPTURE(text);
    std::ofstream(file) << text;
    const auto found = load_context({});
    REQUIRE_FALSE(found.has_value());
    CHECK(found.error().message.find(file.string()) != std::string::npos);
    FleetFlags flags;
    flags.cp_url = "https://app.example.com";
    CHECK(load_context(flags).has_value());
  }
}
