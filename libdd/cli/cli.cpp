#include "libdd/cli/cli.hpp"

#include <CLI/CLI.hpp>

#include "libdd/cli/remote_status.hpp"
#include "libdd/cli/verbs.hpp"
#include "libdd/local/connector.hpp"

namespace dd::cli {
namespace {

constexpr int kUsage = 2;

}  // namespace

Result<FleetClient> client_for(const Invocation& invocation) {
  const auto context = load_context(invocation.fleet);
  if (!context) return tl::unexpected(context.error());
  return connect(*context);
}

int run(int argc, char** argv) {
  // Called with cloudflared's arguments, which are not ours to parse.
  if (argc > 1 && std::string_view(argv[1]) == "connector") return local::run_connector({argv + 2, argv + argc});
  CLI::App app("Run confidential workloads on a fleet of attested VMs.", "ddctl");
  app.set_version_flag("--version", std::string("ddctl ") + DD_VERSION);
  app.add_flag_callback(
      "--config-markdown",
      [] {
        print_line(environment_markdown());
        throw CLI::Success();
      },
      "print the table of environment variables for the documentation");
  app.require_subcommand(1);
  app.fallthrough();
  Invocation invocation;
  app.add_option("--cp", invocation.fleet.cp_url, "URL of the control plane (DD_CP_URL)");
  app.add_option("--pat-file", invocation.fleet.pat_file, "file with the owner's PAT (DD_PAT_FILE)");
  app.add_option("-o,--output", invocation.format_name, "table or json")->check(CLI::IsMember({"table", "json"}));
  add_up(app, invocation);
  add_agents(app, invocation);
  add_deploy(app, invocation);
  add_ps(app, invocation);
  add_logs(app, invocation);
  add_exec(app, invocation);
  add_shell(app, invocation);
  add_login(app, invocation);
  add_restart(app, invocation);
  add_rollback(app, invocation);
  add_stop(app, invocation);
  add_mop(app, invocation);
  add_attest(app, invocation);
  add_policy(app, invocation);
  add_bake(app, invocation);
  add_doctor(app, invocation);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    if (code == 0) return 0;
    const bool passes_status = app.got_subcommand("exec") || app.got_subcommand("shell");
    return passes_status ? kOwnFailure : kUsage;
  }
  return invocation.work ? invocation.work() : kUsage;
}

}  // namespace dd::cli
