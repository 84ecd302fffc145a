// dd-agent: the agent, configured by its environment.
#include "dd/agent.hpp"
#include "tools/service_main.hpp"

int main(int argc, char** argv) {
  const dd::tools::ServiceText text{"dd-agent", "Agent of a confidential VM: proves what it runs, deploys workloads.",
                                    dd::tools::Mode::agent};
  return dd::tools::service_main<dd::Agent, dd::AgentOptions>(argc, argv, text);
}
