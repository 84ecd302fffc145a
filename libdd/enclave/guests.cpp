#include "libdd/enclave/guests.hpp"

#include <algorithm>
#include <csignal>
#include <ranges>

#include <nlohmann/json.hpp>

#include "dd/log.hpp"
#include "libdd/enclave/identifiers.hpp"
#include "libdd/enclave/pty.hpp"

namespace dd::enclave {
namespace {

using Role = BootWorkload::Role;

// No workload's name starts with a dot.
std::string name_alone(std::size_t number) { return ".guest-" + std::to_string(number); }

bool belongs_to_the_platform(const Deployment& deployment) {
  return deployment.role != Role::none || deployment.inherit_token;
}

std::string what_failed(const GuestRequest& request) {
  return "cannot " + request.type + (request.app_name.empty() ? "" : " in " + request.app_name);
}

}  // namespace

Guests::Guests(net::asio::any_io_executor executor, net::asio::thread_pool& pool, const Settings& settings,
               const Deployments& deployments, ExecutableStore& store, MeasuredLog& log, Supervisor& supervisor,
               std::function<void()> on_left)
    : executor_(executor),
      pool_(pool),
      settings_(settings),
      deployments_(deployments),
      store_(store),
      log_(log),
      supervisor_(supervisor),
      on_left_(std::move(on_left)),
      left_(std::move(executor)) {}

net::Task<Result<GuestPtr>> Guests::start(GuestRequest request, GuestStdio stdio) {
  const auto guest = std::make_shared<Guest>();
  guest->request = std::move(request);
  const auto what = what_failed(guest->request);
  if (auto settled = settle(*guest); !settled) co_return wrap(settled.error(), what);
  guests_.push_back(guest);
  auto done = co_await record(guest);
  if (done) done = co_await launch(guest, std::move(stdio));
  if (!done) {
    remove(guest);
    co_return wrap(done.error(), what);
  }
  log::info("guest started", {{"type", guest->request.type}, {"id", guest->id}, {"app", guest->request.app_name}});
  co_return guest;
}

Result<DeploymentPtr> Guests::host_for(const GuestRequest& request) const {
  if (request.app_name.empty()) return nullptr;
  // Of two that run, the newer one: what is before it is on its way out.
  for (const auto& deployment : std::views::reverse(deployments_.live(request.app_name))) {
    if (!deployment->run) continue;
    if (belongs_to_the_platform(*deployment))
      return fail(ErrorCode::conflict, "reserved_name", "it belongs to the platform");
    return deployment;
  }
  return fail(ErrorCode::not_found, "no workload of that name runs");
}

// Who it will be, without an await between the look at the others and its own entry.
Result<void> Guests::settle(Guest& guest) const {
  const auto& request = guest.request;
  if (stopping_) return fail(ErrorCode::unavailable, "the runtime is stopping");
  if (guests_.size() >= kMost)
    return fail(ErrorCode::unavailable, std::to_string(guests_.size()) + " commands and terminals are open");
  const bool alone = request.app_name.empty();
  const auto beside = std::ranges::count_if(
      guests_, [&request](const GuestPtr& other) { return other->request.app_name == request.app_name; });
  if (beside >= static_cast<std::ptrdiff_t>(alone ? kMostAlone : kMostOfApp))
    return fail(ErrorCode::unavailable, std::to_string(beside) + " commands and terminals are open " +
                                            (alone ? "outside of workloads" : "in it"));
  auto host = host_for(request);
  if (!host) return tl::unexpected(host.error());
  guest.host = *std::move(host);
  guest.id = new_deployment_id(*settings_.random);
  guest.started_at = timestamp(*settings_.clock);
  const bool host_is_privileged = guest.host && guest.host->request.privileged;
  guest.place->request.privileged = request.privileged || host_is_privileged;
  if (request.privileged && !host_is_privileged && settings_.uid_per_workload) guest.folder = Supervisor::Folder::none;
  if (guest.host) {
    guest.place->info.app_name = request.app_name;
    guest.place->info.id = guest.host->info.id;
    if (guest.folder == Supervisor::Folder::none) return {};
    guest.folder = Supervisor::Folder::as_it_is;
    guest.place->request.env = guest.host->request.env;
    return {};
  }
  return settle_alone(guest);
}

// One of the names of which there are as many as may be there.
Result<void> Guests::settle_alone(Guest& guest) const {
  for (std::size_t number = 0; number < kMostAlone; ++number) {
    const auto name = name_alone(number);
    const auto has_name = [&name](const GuestPtr& other) { return other->place->info.app_name == name; };
    if (std::ranges::any_of(guests_, has_name)) continue;
    guest.place->info.app_name = name;
    return {};
  }
  return fail(ErrorCode::internal, "no name is left for it");
}

net::Task<Result<void>> Guests::record(GuestPtr guest) {
  const auto& request = guest->request;
  Result<StagedExecutable> staged;
  std::function<void()> work = [this, &staged, program = request.cmd.front()] { staged = store_.stage(program); };
  ++staging_;
  co_await net::run_on(pool_, std::move(work));
  --staging_;
  if (!staged) co_return tl::unexpected(staged.error());
  guest->digest = staged->digest;
  guest->place->executable = *staged;
  // Deploys and stops must be possible for as long as the VM lives, whoever ran how many commands in it.
  if (log_.events().size() + kReservedEvents >= EventLog::kMaxEvents)
    co_return fail(ErrorCode::unavailable, "the event log is nearly full, and what is left is for deploys");
  Json event = {{"type", request.type},
                {"id", guest->id},
                {"cmd", request.cmd},
                {"digest", guest->digest},
                {"privileged", guest->place->request.privileged}};
  if (guest->host) event["app_name"] = request.app_name;
  co_return co_await log_.record(std::move(event));
}

net::Task<Result<void>> Guests::launch(GuestPtr guest, GuestStdio stdio) {
  if (stopping_) co_return fail(ErrorCode::unavailable, "the runtime is stopping");
  if (guest->host && !guest->host->run) co_return fail(ErrorCode::conflict, "the workload has ended meanwhile");
  auto place = supervisor_.place_for(*guest->place, guest->folder);
  if (!place) co_return tl::unexpected(place.error());
  const auto& identity = place->identity;
  Result<void> given;
  if (stdio.terminal && identity.switch_user) given = give_terminal(stdio.terminal, identity.uid, identity.gid);
  if (!given) {
    co_await supervisor_.leave(guest->place);
    co_return given;
  }
  // A uid that others share ends with them.
  if (!guest->host && identity.switch_user) guest->family.tell_by(identity.uid, identity.nobody);
  ChildSpec spec;
  spec.executable = guest->place->executable.path;
  spec.argv = guest->request.cmd;
  spec.environment = std::move(place->environment);
  spec.work_dir = std::move(place->work_dir);
  spec.identity = identity;
  spec.output = std::move(stdio.output);
  spec.error = std::move(stdio.error);
  spec.terminal = std::move(stdio.terminal);
  auto child = co_await Child::start(std::move(spec));
  if (!child) {
    co_await supervisor_.leave(guest->place);
    co_return tl::unexpected(child.error());
  }
  guest->child = *std::move(child);
  guest->family.leader = guest->child->pid();
  // Either went while it was being started.
  if (stopping_ || (guest->host && !guest->host->run)) guest->child->signal_group(SIGKILL);
  co_return Result<void>{};
}

net::Task<ExitStatus> Guests::see_out(GuestPtr guest) {
  const auto status = co_await guest->child->wait();
  co_await purge(guest->family);
  co_await supervisor_.leave(guest->place);
  remove(guest);
  co_return status;
}

net::Task<void> Guests::end(GuestPtr guest) {
  // An interactive shell ignores SIGTERM; everything else may ignore SIGHUP.
  guest->child->signal_group(SIGHUP);
  guest->child->signal_group(SIGTERM);
  guest->child->signal_group(SIGCONT);
  const bool ended = co_await guest->child->wait_for(settings_.stop_grace);
  if (!ended) guest->child->signal_group(SIGKILL);
  co_await guest->child->wait();
}

void Guests::host_ended(const Deployment& host) {
  for (const auto& guest : guests_)
    if (guest->host.get() == &host && guest->child) guest->child->signal_group(SIGKILL);
}

net::Task<void> Guests::shut_down() {
  stopping_ = true;
  for (const auto& guest : guests_)
    if (guest->child) net::spawn(executor_, end(guest), "end of a guest");
  while (!guests_.empty()) co_await left_.wait(std::chrono::hours(24));
}

std::vector<protocol::RunningCommand> Guests::running() const {
  std::vector<protocol::RunningCommand> commands;
  for (const auto& guest : guests_) {
    const auto& request = guest->request;
    commands.push_back(
        {guest->id, request.type, request.cmd, request.app_name, guest->place->request.privileged, guest->started_at});
  }
  return commands;
}

void Guests::add_digests(std::set<std::string>& used) const {
  for (const auto& guest : guests_) used.insert(guest->digest);
}

void Guests::remove(const GuestPtr& guest) {
  std::erase(guests_, guest);
  left_.notify();
  on_left_();
}

}  // namespace dd::enclave
