// ddctl connector: takes cloudflared's place in a local fleet. Called with cloudflared's own arguments, by agents and not by people.
#include <memory>

#include <CLI/CLI.hpp>

#include "libdd/cli/verbs.hpp"
#include "libdd/local/connector.hpp"

namespace dd::cli {

void add_connector(CLI::App& app, Invocation& invocation) {
  auto* verb = app.add_subcommand("connector", "Local stand-in for cloudflared; called by agents.");
  verb->prefix_command();
  verb->callback([&invocation, verb] {
    const auto arguments = verb->remaining();
    invocation.work = [arguments] { return local::run_connector(arguments); };
  });
}

}  // namespace dd::cli
