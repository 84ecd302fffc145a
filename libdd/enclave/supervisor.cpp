#include "libdd/enclave/supervisor.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <map>

#include <nlohmann/json.hpp>

#include "libdd/enclave/child_setup.hpp"
#include "libdd/enclave/pty.hpp"
#include "libdd/enclave/run.hpp"
#include "libdd/enclave/socket_holders.hpp"
#include "libdd/enclave/system_error.hpp"
#include "libdd/net/line_socket.hpp"

namespace dd::enclave {
namespace {

using Role = BootWorkload::Role;

// `sign` of a registration carries the whole event log.
constexpr std::size_t kMaxCapabilityLine = 8 * 1024 * 1024;

bool has_capability(const Deployment& deployment) {
  return deployment.role == Role::agent || deployment.role == Role::cp;
}

bool has_own_uid(const Identity& identity) { return identity.switch_user && !identity.privileged; }

/// Boot workloads' folders outlive everything else, and belong to whoever has their uid.
UidsByApp known_uids(const Settings& settings, const DataDir& data) {
  auto known = read_uids(data.uids(), settings.uid_base);
  for (const auto& workload : settings.boot_workloads) {
    const auto& app = workload.request.app_name;
    struct stat info{};
    if (lstat(data.work(app).c_str(), &info) != 0 || info.st_uid <= settings.uid_base ||
        info.st_uid > settings.uid_base + kWorkloadUids)
      continue;
    std::erase_if(known, [&](const auto& entry) { return entry.second == info.st_uid; });
    known[app] = info.st_uid;
  }
  return known;
}

}  // namespace

Supervisor::Supervisor(net::asio::any_io_executor executor, Cleaner& cleaner, const Settings& settings,
                       const DataDir& data, CapabilityServer& capability, Ended on_ended)
    : executor_(std::move(executor)),
      cleaner_(cleaner),
      settings_(settings),
      data_(data),
      capability_(capability),
      on_ended_(std::move(on_ended)),
      cleaned_(executor_),
      uids_(
          settings.uid_base, [this](const std::string& app) { clear_work(app); }, known_uids(settings, data),
          [this](const UidsByApp& uids) { write_uids(data_.uids(), settings_.uid_base, uids); }, boot_names(settings)) {
}

void Supervisor::set_connector(const std::vector<std::string>& argv) { connector_ = to_text(Json(argv)); }

net::Task<Result<void>> Supervisor::start(DeploymentPtr deployment) {
  // What it makes now is not what an earlier one left.
  while (being_cleaned_.contains(deployment->info.app_name)) co_await cleaned_.wait(std::chrono::hours(24));
  auto identity = identity_of(*deployment);
  if (!identity) co_return tl::unexpected(identity.error());
  auto launched = co_await launch(deployment, *std::move(identity));
  // The one that it was started beside may have ended meanwhile, and left the end of its uid to this one.
  if (!launched) co_await leave(deployment);
  // Asked while it was being started, when there was nothing to halt.
  else if (deployment->stop_requested)
    co_await halt(deployment);
  co_return launched;
}

Result<Identity> Supervisor::identity_of(const Deployment& deployment) {
  Identity identity;
  identity.privileged = deployment.request.privileged;
  identity.switch_user = settings_.uid_per_workload && !identity.privileged;
  identity.uid = geteuid();
  identity.gid = getegid();
  if (!identity.switch_user) return identity;
  const auto uid = uids_.acquire(deployment.info.app_name);
  if (!uid) return tl::unexpected(uid.error());
  identity.uid = *uid;
  identity.gid = *uid;
  identity.nobody = uids_.trusted_group();
  if (deployment.inherit_token) identity.groups.push_back(uids_.trusted_group());
  return identity;
}

void Supervisor::give_back_uid(const Deployment& deployment) {
  if (settings_.uid_per_workload && !deployment.request.privileged) uids_.release(deployment.info.app_name);
}

net::Task<void> Supervisor::leave(DeploymentPtr deployment) {
  const auto app = deployment->info.app_name;
  const bool has_uid = settings_.uid_per_workload && !deployment->request.privileged;
  const auto last = has_uid ? uids_.held_once(app) : std::nullopt;
  if (last) {
    being_cleaned_.insert(app);
    // What was nobody's while there were two families of that uid.
    ProcessFamily rest;
    rest.tell_by(*last, uids_.trusted_group());
    co_await purge(std::move(rest));
    co_await cleaner_.take_from(*last);
    being_cleaned_.erase(app);
    cleaned_.notify();
  }
  give_back_uid(*deployment);
}

void Supervisor::clear_work(const std::string& app) const { cleaner_.remove(data_.set_aside(app)); }

Result<Supervisor::Place> Supervisor::place_for(const Deployment& guest, Folder folder) {
  const auto identity = identity_of(guest);
  if (!identity) return tl::unexpected(identity.error());
  if (folder == Folder::none) return Place{*identity, environment_of(guest, "/root"), "/"};
  Result<std::filesystem::path> work = data_.work(guest.info.app_name);
  if (folder == Folder::made_new) {
    clear_work(guest.info.app_name);
    work = data_.make_work(guest.info.app_name, identity->uid, identity->gid);
  }
  if (work) return Place{*identity, environment_of(guest, work->string()), *work};
  give_back_uid(guest);
  return tl::unexpected(work.error());
}

// Later ones win: what the runtime itself hands out cannot be replaced by a request.
std::vector<std::string> Supervisor::environment_of(const Deployment& deployment, const std::string& home) const {
  std::map<std::string, std::string> variables = {
      {"PATH", settings_.search_path}, {"HOME", home}, {"TERM", "xterm-256color"}};
  for (const auto& [name, value] : deployment.request.env) variables[name] = value;
  if (deployment.inherit_token) {
    variables["EE_SOCKET_PATH"] = settings_.socket_path.string();
    variables["EE_TOKEN"] = settings_.token.reveal();
  }
  if (!deployment.info.id.empty()) variables[kDeploymentVariable] = deployment.info.id;
  if (!deployment.sockets.empty()) {
    variables["LISTEN_PID"] = "";  // the child's own
    variables["LISTEN_FDS"] = std::to_string(deployment.sockets.size());
    variables["LISTEN_FDNAMES"] = names_of(deployment.sockets);
  }
  if (has_capability(deployment)) {
    variables["DD_CAP_FD"] = std::to_string(static_cast<std::size_t>(kFirstInheritedFd) + deployment.sockets.size());
    if (!connector_.empty()) variables["DD_CONNECTOR"] = connector_;
  }
  std::vector<std::string> environment;
  environment.reserve(variables.size());
  for (const auto& [name, value] : variables) environment.push_back(name + "=" + value);
  return environment;
}

// An app that was privileged, or no longer is, has another uid than its files. They go: what a privileged run wrote is not the next one's.
// A boot workload's state is left for its owner to decide on.
Result<std::filesystem::path> Supervisor::work_of(const Deployment& deployment, const Identity& identity) const {
  const auto& app = deployment.info.app_name;
  auto work = data_.make_work(app, identity.uid, identity.gid);
  if (work || work.error().code != ErrorCode::conflict || deployment.info.boot) return work;
  clear_work(app);
  return data_.make_work(app, identity.uid, identity.gid);
}

Result<void> Supervisor::hand_down(const Deployment& deployment, Run& run, ChildSpec& spec) {
  spec.tell_pid = !deployment.sockets.empty();
  for (const auto& socket : deployment.sockets) {
    spec.inherited.emplace_back(fcntl(socket.fd.get(), F_DUPFD_CLOEXEC, 0));
    if (!spec.inherited.back()) return system_failure("cannot hand down a socket");
  }
  if (!has_capability(deployment)) return {};
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
    return system_failure("cannot make a capability socket");
  run.capability = UniqueFd(pair[0]);
  spec.inherited.emplace_back(pair[1]);
  run.capability_handle = UniqueFd(fcntl(pair[0], F_DUPFD_CLOEXEC, 0));
  if (!run.capability_handle) return system_failure("cannot make a capability socket");
  return {};
}

Result<UniqueFd> Supervisor::open_output(const Deployment& deployment, ChildSpec& spec) {
  if (deployment.request.tty) {
    auto pty = open_pty({});
    if (!pty) return tl::unexpected(pty.error());
    const auto& identity = spec.identity;
    const auto given = identity.switch_user ? give_terminal(pty->terminal, identity.uid, identity.gid) : Result<void>{};
    if (!given) return tl::unexpected(given.error());
    write_plain_lines(pty->terminal);
    spec.terminal = std::move(pty->terminal);
    return std::move(pty->master);
  }
  int output[2];
  if (pipe2(output, O_CLOEXEC) != 0) return system_failure("cannot make a pipe");
  spec.output = UniqueFd(output[1]);
  return UniqueFd(output[0]);
}

net::Task<Result<void>> Supervisor::launch(DeploymentPtr deployment, Identity identity) {
  const auto work = work_of(*deployment, identity);
  if (!work) co_return tl::unexpected(work.error());
  ChildSpec spec;
  spec.identity = identity;
  auto output = open_output(*deployment, spec);
  if (!output) co_return wrap(output.error(), "cannot start " + deployment->info.app_name);
  const auto run = std::make_shared<Run>(executor_, output->release());
  spec.executable = deployment->executable.path;
  spec.argv = deployment->request.cmd;
  spec.environment = environment_of(*deployment, work->string());
  spec.work_dir = *work;
  if (const auto handed = hand_down(*deployment, *run, spec); !handed) co_return tl::unexpected(handed.error());

  if (!has_own_uid(identity)) run->earlier_sockets = listening_inodes();
  // Before it is there: another of its uid may end, and must not take it along.
  if (has_own_uid(identity)) run->family.tell_by(identity.uid, identity.nobody);
  run->family.deployment_id = deployment->info.id;
  std::erase_if(runs_, [](const std::weak_ptr<Run>& one) { return one.expired(); });
  runs_.push_back(run);
  auto child = co_await Child::start(std::move(spec));
  if (!child) co_return tl::unexpected(child.error());
  run->child = *std::move(child);
  run->family.leader = run->child->pid();

  auto& info = deployment->info;
  info.status = DeploymentStatus::running;
  info.pid = run->child->pid();
  info.uid = identity.uid;
  info.exit_code.reset();
  info.signal.reset();
  info.exited_at.clear();
  info.error_message.clear();
  deployment->run = run;
  if (run->capability) {
    net::LineHandler answer = [this, role = deployment->role](std::string line, net::Peer) {
      return capability_.answer(role, std::move(line));
    };
    net::spawn(executor_, net::serve_lines(run->capability.release(), std::move(answer), kMaxCapabilityLine),
               "capability socket");
  }
  net::spawn(executor_, read_output(deployment, run), "output of a workload");
  net::spawn(executor_, see_to_the_end(deployment, run), "supervision of a workload");
  co_return Result<void>{};
}

net::Task<void> Supervisor::halt(DeploymentPtr deployment) {
  const auto run = deployment->run;
  if (!run) co_return;
  run->halt_deadline = std::chrono::steady_clock::now() + settings_.stop_grace;
  run->child->signal_group(SIGTERM);
  const bool ended = co_await run->child->wait_for(settings_.stop_grace);
  if (!ended) run->child->signal_group(SIGKILL);
  while (!run->ended) co_await run->over.wait(std::chrono::hours(24));
}

}  // namespace dd::enclave
