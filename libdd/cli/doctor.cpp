// ddctl doctor [vm|fleet|control-plane]...
#include "libdd/cli/doctor.hpp"

#include <algorithm>
#include <array>
#include <memory>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "dd/config.hpp"
#include "libdd/cli/verbs.hpp"
#include "libdd/core/json.hpp"
#include "libdd/net/http_client.hpp"

namespace dd::cli {
namespace {

std::string_view word_for(Health health) {
  constexpr std::array<std::string_view, 3> kWords = {"ok", "warn", "FAIL"};
  return kWords[static_cast<std::size_t>(health)];
}

void append(std::vector<Check>& all, std::vector<Check> more) {
  all.insert(all.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

std::vector<Check> look_at_fleet(const Invocation& invocation) {
  const auto client = client_for(invocation);
  if (!client)
    return {
        {Health::bad, "fleet", client.error().message, "set DD_CP_URL and DD_PAT_FILE, or start one with ddctl up"}};
  return check_fleet(*client);
}

/// With the variables that dd-cp would be started with.
std::vector<Check> look_at_control_plane() {
  ControlPlaneOptions options;
  Config config;
  declare(config, options);
  if (const auto loaded = config.load_environment(); !loaded)
    return {{Health::bad, "configuration", loaded.error().message,
             "set the variables that dd-cp is to be started with (docs/configuration.md)"}};
  net::HttpClientOptions client;
  client.ca_file = options.ca_file;
  client.user_agent = "ddctl";
  return check_control_plane(options, *net::make_http_transport(client));
}

int doctor(const Invocation& invocation, std::vector<std::string> subjects) {
  if (subjects.empty()) subjects = {"vm", "fleet"};
  std::vector<Check> checks;
  for (const auto& subject : subjects) {
    if (subject == "vm") append(checks, check_machine(read_machine()));
    if (subject == "fleet") append(checks, look_at_fleet(invocation));
    if (subject == "control-plane") append(checks, look_at_control_plane());
  }
  const bool well = std::ranges::none_of(checks, [](const Check& check) { return check.health == Health::bad; });
  if (invocation.format() == Format::json) {
    Json list = Json::array();
    for (const auto& check : checks)
      list.push_back(
          {{"what", check.what}, {"health", word_for(check.health)}, {"found", check.found}, {"fix", check.fix}});
    print_json({{"ok", well}, {"checks", std::move(list)}});
    return well ? 0 : 1;
  }
  for (const auto& check : checks) {
    const std::string word(word_for(check.health));
    print_line(word + std::string(6 - word.size(), ' ') + check.what + ": " + printable(check.found));
    if (!check.fix.empty()) print_line("      " + check.fix);
  }
  return well ? 0 : 1;
}

}  // namespace

void add_doctor(CLI::App& app, Invocation& invocation) {
  auto* verb =
      app.add_subcommand("doctor",
                         "Check every prerequisite and say how to fix what is missing. Exit code 1 when something is.\n"
                         "vm: this machine as a VM of a fleet; fleet: the control plane as you reach it; "
                         "control-plane: what dd-cp needs with the\n"
                         "variables that are set here. Default: vm and fleet.\n"
                         "Example: ddctl doctor fleet\nExample: DD_ENV=prod … ddctl doctor control-plane");
  const auto subjects = std::make_shared<std::vector<std::string>>();
  verb->add_option("subjects", *subjects, "vm, fleet, control-plane")
      ->check(CLI::IsMember({"vm", "fleet", "control-plane"}));
  verb->callback(
      [&invocation, subjects] { invocation.work = [&invocation, subjects] { return doctor(invocation, *subjects); }; });
}

}  // namespace dd::cli
