// The verbs, each in a file of its own. Each declares its flags and sets what to run.
#pragma once

#include <functional>

#include "libdd/cli/fleet_context.hpp"
#include "libdd/cli/output.hpp"

namespace CLI {
class App;
}

namespace dd::cli {

/// What every verb may use: the global flags, and where to leave the verb's work.
struct Invocation {
  FleetFlags fleet;
  std::string format_name = "table";
  std::function<int()> work;

  [[nodiscard]] Format format() const { return format_name == "json" ? Format::json : Format::table; }
};

void add_agents(CLI::App& app, Invocation& invocation);
void add_attest(CLI::App& app, Invocation& invocation);
void add_bake(CLI::App& app, Invocation& invocation);
void add_deploy(CLI::App& app, Invocation& invocation);
void add_doctor(CLI::App& app, Invocation& invocation);
void add_exec(CLI::App& app, Invocation& invocation);
void add_login(CLI::App& app, Invocation& invocation);
void add_logs(CLI::App& app, Invocation& invocation);
void add_mop(CLI::App& app, Invocation& invocation);
void add_policy(CLI::App& app, Invocation& invocation);
void add_ps(CLI::App& app, Invocation& invocation);
void add_restart(CLI::App& app, Invocation& invocation);
void add_rollback(CLI::App& app, Invocation& invocation);
void add_shell(CLI::App& app, Invocation& invocation);
void add_stop(CLI::App& app, Invocation& invocation);
void add_up(CLI::App& app, Invocation& invocation);

/// Loads the context and connects, or reports why not.
[[nodiscard]] Result<FleetClient> client_for(const Invocation& invocation);

}  // namespace dd::cli
