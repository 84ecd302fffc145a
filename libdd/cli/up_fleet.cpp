#include "libdd/cli/up_fleet.hpp"

#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <thread>

#include "dd/random.hpp"
#include "libdd/attest/simulated/simulator.hpp"
#include "libdd/attest/trust_settings.hpp"
#include "libdd/cli/output.hpp"
#include "libdd/cli/private_file.hpp"
#include "libdd/cli/up_policy.hpp"
#include "libdd/core/tree_removal.hpp"
#include "libdd/crypto/digest.hpp"

namespace dd::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* kEnv = "local";
constexpr const char* kDomain = "dd.localhost";
constexpr const char* kCpHost = "app.dd.localhost";
constexpr std::chrono::seconds kBootPatience{60};
constexpr std::chrono::milliseconds kBootPause{20};
constexpr std::chrono::seconds kGrace{15};
constexpr std::size_t kShownLines = 15;

/// Later settings replace earlier ones of the same name.
Settings merged(Settings settings, const Settings& more) {
  for (const auto& [name, value] : more) {
    std::erase_if(settings, [&](const auto& setting) { return setting.first == name; });
    settings.emplace_back(name, value);
  }
  return settings;
}

}  // namespace

UpFleet::UpFleet(UpOptions options) : options_(std::move(options)), uids_(UidRange::claim("/run", getpid())) {}
UpFleet::~UpFleet() { stop(); }

Result<void> UpFleet::start() {
  auto programs = find_programs();
  if (!programs) return tl::unexpected(programs.error());
  programs_ = *std::move(programs);
  if (!options_.control_plane.empty()) programs_.cp = fs::absolute(options_.control_plane);
  if (auto made = prepare_home(); !made) return made;
  if (auto started = start_services(); !started) return started;
  if (auto booted = boot_cp(); !booted) return booted;
  if (auto booted = boot_agents(); !booted) return booted;
  return wait_until_ready();
}

Result<void> UpFleet::prepare_home() {
  if (options_.home.empty()) {
    std::string pattern = (fs::temp_directory_path() / "dd-up-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) return fail(ErrorCode::unavailable, "cannot create a temporary directory");
    home_ = pattern;
    temporary_home_ = true;
  } else {
    std::error_code failed;
    home_ = fs::absolute(options_.home);
    fs::create_directories(home_, failed);
    if (failed) return fail(ErrorCode::unavailable, "cannot create " + home_.string() + ": " + failed.message());
  }
  // Workloads run under uids of their own and must be able to walk through.
  fs::permissions(home_, fs::perms::owner_all | fs::perms::group_exec | fs::perms::others_exec);
  return {};
}

Result<void> UpFleet::start_services() {
  const auto root = attest::make_simulator_root();
  if (!root) return wrap(root.error(), "cannot make the simulator's root");
  const auto enclave_digest = digest_of(programs_.enclave);
  if (!enclave_digest) return tl::unexpected(enclave_digest.error());
  simulator_file_ = home_ / "simulator.json";
  if (auto written = attest::write_simulator_file(simulator_file_, *root, *enclave_digest); !written) return written;

  UpServicesOptions options;
  options.port = options_.port;
  options.simulator_root_pem = root->certificate_pem;
  options.domain = kDomain;
  options.token_lifetime_secs = options_.token_lifetime_secs;
  options.releases = options_.releases;
  // A good PAT of nobody here, to see what strangers see.
  std::array<std::byte, 24> noise{};
  system_random().fill(noise);
  options.stranger_pat = "ghp_" + to_hex(noise);
  if (auto written = write_private_file(home_ / "stranger.pat", options.stranger_pat); !written) return written;
  auto services = UpServices::start(std::move(options));
  if (!services) return wrap(services.error(), "cannot start the local edge (another `ddctl up`? try --port)");
  services_ = *std::move(services);

  context_.cp_url = "http://" + std::string(kCpHost) + ":" + std::to_string(services_->public_port());
  services_->register_app(context_.cp_url);
  context_.edge_url = services_->edge_url();
  context_.credential = services_->owner_pat();
  context_.ita_issuer = services_->ita_url();
  context_.ita_jwks_url = services_->ita_jwks_url();
  context_.simulated = true;
  auto client = connect(context_);
  if (!client) return tl::unexpected(client.error());
  client_ = std::make_unique<FleetClient>(*std::move(client));
  return write_policy();
}

Result<void> UpFleet::write_policy() {
  const auto text = up_policy(programs_, *services_, context_.cp_url, options_.boot_workloads);
  if (!text) return tl::unexpected(text.error());
  policy_file_ = home_ / "policy.json";
  std::ofstream file(policy_file_);
  file << *text;
  file.close();
  if (!file) return fail(ErrorCode::unavailable, "cannot write " + policy_file_.string());
  fs::permissions(policy_file_, fs::perms::owner_read | fs::perms::group_read | fs::perms::others_read);
  return {};
}

Settings UpFleet::cp_settings() const {
  Settings settings = {{"DD_ENV", kEnv},
                       {"DD_OWNER", kUpOwner},
                       {"DD_OWNER_ID", std::to_string(kUpOwnerId)},
                       {"DD_OWNER_KIND", "user"},
                       {"DD_HOSTNAME", kCpHost},
                       {"DD_CP_ORIGIN", context_.cp_url},
                       {"DD_PORT", "0"},
                       {"DD_POLICY", policy_file_.string()},
                       {"DD_ACCEPT_SIMULATED", "true"},
                       {"DD_CF_API_URL", services_->cloudflare_api_url()},
                       {"DD_CF_API_TOKEN", std::string(services_->cloudflare_token().reveal())},
                       {"DD_CF_ACCOUNT_ID", kUpAccount},
                       {"DD_CF_ZONE_ID", kUpZone},
                       {"DD_CF_DOMAIN", kDomain},
                       {"DD_ITA_BASE_URL", services_->ita_url()},
                       {"DD_ITA_API_KEY", std::string(services_->ita_key().reveal())},
                       {"DD_ITA_ISSUER", services_->ita_url()},
                       {"DD_ITA_JWKS_URL", services_->ita_jwks_url()},
                       {"DD_GITHUB_API_URL", services_->github_api_url()},
                       {"DD_GITHUB_WEB_URL", services_->github_web_url()},
                       {"DD_GITHUB_CLIENT_ID", kUpClientId},
                       {"DD_GITHUB_CLIENT_SECRET", std::string(services_->github_client_secret().reveal())},
                       {"DD_EDGE_URL", services_->edge_url()}};
  return merged(std::move(settings), options_.cp_settings);
}

Settings UpFleet::agent_settings(const std::string& name, const Secret& ticket) const {
  Settings settings = {{"DD_ENV", kEnv},
                       {"DD_OWNER", kUpOwner},
                       {"DD_OWNER_ID", std::to_string(kUpOwnerId)},
                       {"DD_OWNER_KIND", "user"},
                       {"DD_VM_NAME", name},
                       {"DD_CP_URL", context_.cp_url},
                       {"DD_JOIN_TICKET", std::string(ticket.reveal())},
                       {"DD_PORT", "0"},
                       {"EE_SOCKET_PATH", (home_ / name / "run" / "agent.sock").string()},
                       {"DD_ITA_BASE_URL", services_->ita_url()},
                       {"DD_ITA_API_KEY", std::string(services_->ita_key().reveal())},
                       {"DD_GITHUB_API_URL", services_->github_api_url()},
                       {"DD_EDGE_URL", services_->edge_url()},
                       {"DD_CF_DOMAIN", kDomain}};
  return merged(std::move(settings), options_.agent_settings);
}

Result<void> UpFleet::boot_vm(std::string name, const std::string& role, Settings settings) {
  UpVm vm;
  vm.name = name;
  vm.role = role;
  vm.directory = home_ / name;
  vm.simulator_file = simulator_file_;
  vm.first_uid = uids_.first_of_vm(static_cast<int>(vms_.size()));
  vm.settings = std::move(settings);
  vm.releases_api_url = services_->releases_api_url();
  if (role == "agent") vm.extra_workloads = options_.boot_workloads;
  auto child = boot(vm, programs_);
  if (!child) return wrap(child.error(), "cannot boot " + name);
  vms_.push_back({std::move(vm), *std::move(child)});
  return {};
}

Result<void> UpFleet::boot_cp() {
  progress("booting the control plane");
  if (auto booted = boot_vm("cp", "cp", cp_settings()); !booted) return booted;
  const auto deadline = std::chrono::steady_clock::now() + kBootPatience;
  while (true) {
    const auto health = client_->health();
    if (health) return {};
    const auto ended = ended_vm();
    if (!ended.empty())
      return fail(ErrorCode::unavailable,
                  "cannot start the control plane: the enclave of " + ended + " ended" + last_lines());
    if (std::chrono::steady_clock::now() > deadline)
      return fail(ErrorCode::unavailable, "cannot start the control plane: " + health.error().message + last_lines());
    std::this_thread::sleep_for(kBootPause);
  }
}

Result<void> UpFleet::boot_agents() {
  for (int i = 1; i <= options_.agents; ++i) {
    const auto name = "vm-" + std::to_string(i);
    progress("booting " + name);
    const auto ticket = client_->invite(name);
    if (!ticket) return wrap(ticket.error(), "cannot invite " + name);
    if (auto booted = boot_vm(name, "agent", agent_settings(name, ticket->ticket)); !booted) return booted;
  }
  return {};
}

Result<void> UpFleet::wait_until_ready() {
  const auto deadline = std::chrono::steady_clock::now() + kBootPatience;
  std::string missing;
  while (true) {
    const auto agents = client_->agents();
    missing = agents
                  ? std::to_string(agents->size()) + " of " + std::to_string(options_.agents) + " agents are registered"
                  : agents.error().message;
    // Registered is not enough: its connector must be up, so that the next command reaches it.
    const auto reachable = [this](const AgentSummary& agent) {
      return agent.status == "healthy" && client_->deployments(agent.hostname).has_value();
    };
    if (agents && std::count_if(agents->begin(), agents->end(), reachable) >= options_.agents) return {};
    const auto ended = ended_vm();
    if (!ended.empty()) missing = "the enclave of " + ended + " ended";
    if (!ended.empty() || std::chrono::steady_clock::now() > deadline)
      return fail(ErrorCode::unavailable, "cannot start the fleet: " + missing + last_lines());
    std::this_thread::sleep_for(kBootPause);
  }
}

std::string UpFleet::ended_vm() {
  for (auto& running : vms_)
    if (running.child.ended()) return running.vm.name;
  return {};
}

std::string UpFleet::last_lines() const {
  std::string text;
  for (const auto& running : vms_) {
    std::ifstream log(running.vm.directory / "enclave.log");
    std::vector<std::string> lines;
    for (std::string line; std::getline(log, line);) lines.push_back(std::move(line));
    text += "\n--- " + running.vm.name;
    for (std::size_t i = lines.size() > kShownLines ? lines.size() - kShownLines : 0; i < lines.size(); ++i)
      text += "\n" + lines[i];
  }
  return text;
}

void UpFleet::stop() {
  // Agents first: they may still want to say good-bye to the control plane.
  for (auto vm = vms_.rbegin(); vm != vms_.rend(); ++vm) vm->child.terminate();
  for (auto vm = vms_.rbegin(); vm != vms_.rend(); ++vm) vm->child.wait(kGrace);
  vms_.clear();
  client_.reset();
  services_.reset();
  if (temporary_home_)
    if (const auto removed = remove_tree(home_); !removed) progress(removed.error().message);
  temporary_home_ = false;
}

}  // namespace dd::cli
