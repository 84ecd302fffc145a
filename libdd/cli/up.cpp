// ddctl up: a whole fleet on this machine, in the foreground until Ctrl-C; --once proves that it works and stops it.
#include <signal.h>

#include <memory>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "libdd/cli/spec_file.hpp"
#include "libdd/cli/up_fleet.hpp"
#include "libdd/cli/verbs.hpp"
#include "libdd/core/json.hpp"
#include "libdd/net/http_client.hpp"

namespace dd::cli {
namespace {

constexpr std::uint16_t kDefaultPort = 7080;
constexpr timespec kChildCheck{1, 0};

struct UpFlags {
  UpOptions fleet;
  std::string boot_file;
  std::vector<std::string> cp_settings;
  std::vector<std::string> agent_settings;
  bool once = false;
  bool json = false;
  bool port_given = false;
};

/// SIGINT and SIGTERM wait in the kernel until we ask; set before the first thread starts.
sigset_t block_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGHUP);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

Result<Settings> settings_from(const std::vector<std::string>& items) {
  Settings settings;
  for (const auto& item : items) {
    const auto equals = item.find('=');
    if (equals == std::string::npos || equals == 0)
      return fail(ErrorCode::invalid_argument, "cannot use setting \"" + item + "\": want NAME=VALUE");
    settings.emplace_back(item.substr(0, equals), item.substr(equals + 1));
  }
  return settings;
}

Result<Json> describe(const UpFleet& fleet) {
  const auto agents = fleet.client().agents();
  if (!agents) return tl::unexpected(agents.error());
  Json list = Json::array();
  for (const auto& agent : *agents)
    list.push_back({{"vm_name", agent.vm_name},
                    {"agent_id", agent.agent_id},
                    {"hostname", agent.hostname},
                    {"status", agent.status}});
  return Json{{"cp_url", fleet.context().cp_url},
              {"edge_url", fleet.context().edge_url},
              {"home", fleet.home().string()},
              {"simulated", true},
              {"agents", std::move(list)}};
}

int run_until_signal(UpFleet& fleet, const UpFlags& flags, const sigset_t& signals) {
  auto description = describe(fleet);
  if (!description) return report(description.error());
  // A control plane of one's own may have no pages.
  const auto link = fleet.client().sign_in_link();
  if (link) (*description)["sign_in_url"] = link->url;
  if (flags.json) {
    print_json(*description);
  } else {
    progress("SIMULATED TDX: nothing here is protected from this machine's owner");
    print_line("control plane  " + fleet.context().cp_url);
    for (const auto& agent : description->at("agents"))
      print_line(agent.at("vm_name").get<std::string>() + "           http://" +
                 agent.at("hostname").get<std::string>());
    if (link) print_line("sign in        " + link->url + "  (once, within 10 minutes)");
    progress("try: ddctl deploy " + fleet.programs().hello_spec.string());
    progress("Ctrl-C stops everything");
  }
  while (sigtimedwait(&signals, nullptr, &kChildCheck) < 0) {
    const auto ended = fleet.ended_vm();
    if (!ended.empty())
      return report(Error{ErrorCode::unavailable, "cannot keep the fleet up: " + ended + " ended by itself", {}, {}});
  }
  progress("stopping");
  return 0;
}

Result<HttpResponse> fetch(const FleetContext& context, const std::string& url) {
  net::HttpClientOptions options;
  options.edge_url = context.edge_url;
  const auto transport = net::make_http_transport(std::move(options));
  HttpRequest request;
  request.url = url;
  return net::send_blocking(*transport, std::move(request));
}

int prove_once(const UpFleet& fleet, const UpFlags& flags) {
  const auto spec = read_spec(fleet.programs().hello_spec.string());
  if (!spec) return report(spec.error());
  const auto agent = fleet.client().find_agent("vm-1");
  if (!agent) return report(agent.error());
  const auto deployed = fleet.client().deploy_text(agent->hostname, *spec);
  if (!deployed) return report(deployed.error());
  if (deployed->urls.empty())
    return report(Error{ErrorCode::unavailable, "cannot reach hello: it has no public URL", {}, {}});
  const auto& url = deployed->urls.front();
  const auto response = fetch(fleet.context(), url);
  if (!response) return report(response.error());
  if (flags.json) {
    print_json({{"url", url}, {"status", response->status}, {"body", response->body}});
  } else {
    print_line(url);
    print_line(std::to_string(response->status) + " " +
               printable(response->body.substr(0, response->body.find_last_not_of("\r\n") + 1)));
  }
  if (response->status == 200) return 0;
  return report(
      Error{ErrorCode::upstream, "cannot reach hello: it answered " + std::to_string(response->status), {}, {}});
}

int up(UpFlags flags) {
  const auto signals = block_signals();
  auto cp_settings = settings_from(flags.cp_settings);
  if (!cp_settings) return report(cp_settings.error());
  auto agent_settings = settings_from(flags.agent_settings);
  if (!agent_settings) return report(agent_settings.error());
  flags.fleet.cp_settings = *std::move(cp_settings);
  flags.fleet.agent_settings = *std::move(agent_settings);
  if (!flags.boot_file.empty()) {
    auto workloads = read_spec(flags.boot_file);
    if (!workloads) return report(workloads.error());
    flags.fleet.boot_workloads = *std::move(workloads);
  }
  if (!flags.port_given && !flags.once) flags.fleet.port = kDefaultPort;

  UpFleet fleet(flags.fleet);
  if (const auto started = fleet.start(); !started) return report(started.error());
  if (flags.once) return prove_once(fleet, flags);
  const auto file = context_file();
  if (!file) return report(file.error());
  if (const auto written = write_context(*file, fleet.context()); !written) return report(written.error());
  const int code = run_until_signal(fleet, flags, signals);
  std::error_code ignored;
  std::filesystem::remove(*file, ignored);
  return code;
}

}  // namespace

void add_up(CLI::App& app, Invocation& invocation) {
  auto* verb = app.add_subcommand("up",
                                  "Start a whole fleet on this machine: edge, attestation, identity, control plane and "
                                  "agents under simulated TDX.\n"
                                  "Example: ddctl up --agents 2\nExample: ddctl up --once");
  const auto flags = std::make_shared<UpFlags>();
  verb->add_option("--agents", flags->fleet.agents, "how many agent VMs")
      ->check(CLI::Range(1, 16))
      ->capture_default_str();
  auto* port =
      verb->add_option("--port", flags->fleet.port, "public port of the edge; 7080, or any free one with --once");
  verb->add_option("--home", flags->fleet.home,
                   "directory for everything the fleet writes; default: a temporary one, removed at the end");
  verb->add_flag("--once", flags->once,
                 "deploy the hello example, fetch its public URL, print the answer, stop everything");
  verb->add_flag("--json", flags->json, "print JSON");
  verb->add_option("--boot", flags->boot_file, "file with a JSON array of further boot workloads for each agent VM");
  verb->add_option("--releases", flags->fleet.releases,
                   "folder OWNER/REPO/TAG/ASSET that github_release is answered from, in place of GitHub")
      ->check(CLI::ExistingDirectory);
  verb->add_option("--control-plane", flags->fleet.control_plane,
                   "run this program in place of dd-cp: a control plane of your own");
  verb->add_option("--cp-env", flags->cp_settings, "NAME=VALUE for the control plane");
  verb->add_option("--agent-env", flags->agent_settings, "NAME=VALUE for the agents");
  verb->add_option("--token-lifetime", flags->fleet.token_lifetime_secs, "life of attestation tokens in seconds")
      ->check(CLI::Range(1, 3600))
      ->capture_default_str();
  verb->callback([&invocation, flags, port] {
    flags->port_given = port->count() > 0;
    flags->json = flags->json || invocation.format() == Format::json;
    invocation.work = [flags] { return up(*flags); };
  });
}

}  // namespace dd::cli
