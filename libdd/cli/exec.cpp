// ddctl exec -- CMD…
#include <cstdio>
#include <memory>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "libdd/cli/remote_status.hpp"
#include "libdd/cli/verbs.hpp"

namespace dd::cli {
namespace {

struct ExecFlags {
  Command command;
  std::int64_t timeout = 60;
  std::string agent;
};

void write_all(const std::string& bytes, std::FILE* stream) {
  std::fwrite(bytes.data(), 1, bytes.size(), stream);
  std::fflush(stream);
}

void show_output(const Executed& executed) {
  nlohmann::json answer = {{"id", executed.id}, {"stdout", executed.out}, {"stderr", executed.err}};
  if (executed.exit_code) answer["exit_code"] = *executed.exit_code;
  if (executed.signal) answer["signal"] = *executed.signal;
  if (executed.truncated) answer["truncated"] = true;
  print_json(answer);
}

int exec(const Invocation& invocation, const ExecFlags& flags) {
  const auto client = client_for(invocation);
  if (!client) return own_failure(client.error());
  const auto agent = client->find_agent(flags.agent);
  if (!agent) return own_failure(agent.error());
  const auto executed = client->exec(agent->hostname, flags.command);
  if (!executed) return own_failure(executed.error());
  if (invocation.format() == Format::json) {
    show_output(*executed);
  } else {
    write_all(executed->out, stdout);
    write_all(executed->err, stderr);
    if (executed->truncated) progress("ddctl: there was more than 1 MiB of output; the rest is lost");
  }
  return status_of(executed->exit_code, executed->signal);
}

}  // namespace

void add_exec(CLI::App& app, Invocation& invocation) {
  auto* verb = app.add_subcommand("exec",
                                  "Run a command in a VM and exit with its status; 125 when it could not be run.\n"
                                  "Example: ddctl exec -- uname -a\n"
                                  "Example: ddctl exec --app hello -- ls -l");
  const auto flags = std::make_shared<ExecFlags>();
  verb->add_option("command", flags->command.cmd, "program and arguments, behind --")->required();
  verb->add_option("--app", flags->command.app_name,
                   "workload whose user, environment and folder it has; none: a user and a folder of its own");
  verb->add_option("--agent", flags->agent, "VM name, agent id or hostname; not needed when there is one agent");
  verb->add_option("--timeout", flags->timeout, "seconds, then it is killed; an edge may give up after 100")
      ->check(CLI::Range(1, 3600));
  verb->add_flag("--privileged", flags->command.privileged,
                 "with the rights of the VM's runtime; recorded in the event log");
  verb->callback([&invocation, flags] {
    flags->command.timeout = std::chrono::seconds(flags->timeout);
    invocation.work = [&invocation, flags] { return exec(invocation, *flags); };
  });
}

}  // namespace dd::cli
