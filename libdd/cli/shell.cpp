// ddctl shell APP.
#include <memory>

#include <CLI/CLI.hpp>

#include "libdd/cli/local_terminal.hpp"
#include "libdd/cli/remote_status.hpp"
#include "libdd/cli/terminal_session.hpp"
#include "libdd/cli/verbs.hpp"
#include "libdd/net/blocking.hpp"
#include "libdd/net/web_socket_client.hpp"

namespace dd::cli {
namespace {

net::Task<Result<int>> talk(net::HttpClientOptions options, net::WebSocketCall call) {
  const auto socket = co_await net::open_web_socket(std::move(options), std::move(call));
  if (!socket) co_return tl::unexpected(socket.error());
  auto outcome = co_await run_terminal(*socket);
  co_return outcome;
}

int shell(const Invocation& invocation, const std::string& app_name, const std::string& agent_name) {
  const auto context = load_context(invocation.fleet);
  if (!context) return own_failure(context.error());
  const auto client = connect(*context);
  if (!client) return own_failure(client.error());
  const auto agent = client->find_agent(agent_name);
  if (!agent) return own_failure(agent.error());
  const auto url = client->terminal_url(agent->hostname, app_name);
  if (!url) return own_failure(url.error());
  const auto size = LocalTerminal::size();
  net::WebSocketCall call;
  call.url = std::string(url->reveal()) + "&cols=" + std::to_string(size.cols) + "&rows=" + std::to_string(size.rows);
  net::HttpClientOptions options;
  options.edge_url = context->edge_url;
  options.ca_file = context->ca_file;
  const auto status = net::run_blocking([&] { return talk(options, call); });
  return status ? *status : own_failure(status.error());
}

}  // namespace

void add_shell(CLI::App& app, Invocation& invocation) {
  auto* verb = app.add_subcommand("shell",
                                  "Open a terminal in a running workload: its user, environment and folder. Exits with "
                                  "the status of the shell; 125 when there is none.\n"
                                  "Example: ddctl shell hello\nExample: echo 'id; exit' | ddctl shell hello");
  const auto app_name = std::make_shared<std::string>();
  const auto agent_name = std::make_shared<std::string>();
  verb->add_option("app", *app_name, "name of the workload")->required();
  verb->add_option("--agent", *agent_name, "VM name, agent id or hostname; not needed when there is one agent");
  verb->callback([&invocation, app_name, agent_name] {
    invocation.work = [&invocation, app_name, agent_name] { return shell(invocation, *app_name, *agent_name); };
  });
}

}  // namespace dd::cli
