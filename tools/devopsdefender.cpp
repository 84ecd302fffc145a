// devopsdefender: agent or control plane under the earlier system's name and configuration, so that its boot specs run as they stand.
#include <cstdio>
#include <utility>

#include "dd/agent.hpp"
#include "dd/control_plane.hpp"
#include "tools/mode.hpp"
#include "tools/service_main.hpp"

int main(int argc, char** argv) {
  const auto choice = dd::tools::take_mode(argc, argv);
  if (choice.mode == dd::tools::Mode::agent) {
    const dd::tools::ServiceText text{"devopsdefender", "dd-agent, configured as the earlier system's agent was.",
                                      dd::tools::Mode::agent};
    dd::AgentOptions options;
    options.seed_configuration = true;
    return dd::tools::service_main<dd::Agent, dd::AgentOptions>(argc, argv, text, std::move(options));
  }
  if (choice.mode == dd::tools::Mode::control_plane) {
    const dd::tools::ServiceText text{"devopsdefender", "dd-cp, configured as the earlier system's control plane was.",
                                      dd::tools::Mode::control_plane};
    dd::ControlPlaneOptions options;
    options.seed_configuration = true;
    options.policy = "tofu";
    return dd::tools::service_main<dd::ControlPlane, dd::ControlPlaneOptions>(argc, argv, text, std::move(options));
  }
  std::fprintf(
      stderr,
      "devopsdefender: cannot run as \"%s\"\n\nUsage: DD_MODE=agent|cp|management devopsdefender, or devopsdefender "
      "agent|cp|management [--help | --version]\n",
      choice.word.c_str());
  return dd::tools::kExitUsage;
}
