// Deploys a workload to an agent of a fleet and prints where it answers.
//
//   DD_CP_URL=https://app.example.com DD_PAT_FILE=~/.config/dd/pat deploy_client workload.json [AGENT]
//
// AGENT is a VM name, an agent id or a hostname; without it the fleet must have one agent only.
#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>

#include "dd/config.hpp"
#include "dd/fleet_client.hpp"

namespace {

constexpr int kFailed = 1;
constexpr int kUsage = 2;

dd::Result<dd::FleetClientOptions> read_options() {
  dd::FleetClientOptions options;
  dd::Config config;
  config.text("DD_CP_URL", dd::Trust::setting, options.cp_url, "where the control plane is", dd::Presence::required);
  config.secret("DD_PAT", dd::Trust::none, options.credential,
                "access token of somebody who acts for the fleet's owner", dd::Presence::required);
  config.text("DD_EDGE_URL", dd::Trust::setting, options.edge_url,
              "connect here in place of resolving the fleet's hostnames");
  config.path("DD_CA_FILE", dd::Trust::setting, options.ca_file, "authorities to trust in place of the system's");
  const auto loaded = config.load_environment();
  if (!loaded) return tl::unexpected(loaded.error());
  return options;
}

dd::Result<std::string> read_file(const char* path) {
  const std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  // An iterator over a folder would throw; this marks `text` as failed, as it does for an empty file.
  if (!(text << file.rdbuf()))
    return dd::fail(dd::ErrorCode::not_found, "cannot read a workload from " + std::string(path));
  return std::move(text).str();
}

dd::Result<dd::Deployed> deploy(const char* path, std::string_view agent_name) {
  const auto workload = read_file(path);
  if (!workload) return tl::unexpected(workload.error());
  auto options = read_options();
  if (!options) return tl::unexpected(options.error());

  const auto fleet = dd::FleetClient::create(*std::move(options));
  if (!fleet) return tl::unexpected(fleet.error());
  const auto agent = fleet->find_agent(agent_name);
  if (!agent) return tl::unexpected(agent.error());
  return fleet->deploy_text(agent->hostname, *workload);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2 || argc > 3) {
    std::fprintf(stderr, "usage: %s workload.json [AGENT]\n", argv[0]);
    return kUsage;
  }
  const auto deployed = deploy(argv[1], argc == 3 ? argv[2] : "");
  if (!deployed) {
    std::fprintf(stderr, "%s\n", deployed.error().message.c_str());
    return kFailed;
  }
  for (const auto& warning : deployed->warnings) std::fprintf(stderr, "warning: %s\n", warning.c_str());
  for (const auto& url : deployed->urls) std::printf("%s\n", url.c_str());
  if (deployed->urls.empty()) std::printf("%s is %s\n", deployed->app_name.c_str(), deployed->status.c_str());
}
