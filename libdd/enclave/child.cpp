#include "libdd/enclave/child.hpp"

#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <iterator>

#include <boost/asio/buffer.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "libdd/core/fork.hpp"
#include "libdd/enclave/child_setup.hpp"
#include "libdd/enclave/system_error.hpp"

namespace dd::enclave {
namespace {

using Descriptor = net::asio::posix::stream_descriptor;

struct Started {
  pid_t pid = 0;
  UniqueFd pidfd;
  UniqueFd report;  // end of file when the program runs
};

UniqueFd out_of_the_way(const UniqueFd& fd) {
  return UniqueFd(fd ? fcntl(fd.get(), F_DUPFD_CLOEXEC, kFirstFreeFd) : -1);
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  out.reserve(texts.size() + 1);
  for (auto& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

/// Where LISTEN_PID of that environment has its value, made long enough for any.
char* room_for_pid(std::vector<std::string>& environment) {
  constexpr std::string_view kName = "LISTEN_PID=";
  const auto found = std::ranges::find_if(environment, [&](const std::string& one) { return one.starts_with(kName); });
  if (found == environment.end()) return nullptr;
  found->resize(kName.size() + kPidDigits + 1, '0');
  return found->data() + kName.size();
}

Result<Started> launch(ChildSpec spec) {
  const auto what = "cannot start " + spec.argv.front();
  int report[2];
  if (pipe2(report, O_CLOEXEC) != 0) return system_failure(what);
  Started started{0, {}, UniqueFd(report[0])};
  const UniqueFd report_writer(report[1]);
  const UniqueFd null(open("/dev/null", O_RDONLY | O_CLOEXEC));
  const auto input_fd = out_of_the_way(spec.terminal ? spec.terminal : null);
  const auto output_fd = out_of_the_way(spec.terminal ? spec.terminal : spec.output);
  const auto error_fd = spec.error ? out_of_the_way(spec.error) : out_of_the_way(output_fd);
  std::vector<UniqueFd> inherited;
  std::ranges::transform(spec.inherited, std::back_inserter(inherited), out_of_the_way);
  const auto report_fd = out_of_the_way(report_writer);
  const bool all_inherited = std::ranges::all_of(inherited, [](const UniqueFd& fd) { return static_cast<bool>(fd); });
  if (!input_fd || !output_fd || !error_fd || !report_fd || !all_inherited) return system_failure(what);
  std::vector<int> inherited_fds;
  std::ranges::transform(inherited, std::back_inserter(inherited_fds), &UniqueFd::get);

  char* const listen_pid = spec.tell_pid ? room_for_pid(spec.environment) : nullptr;
  const auto argv = pointers(spec.argv);
  const auto envp = pointers(spec.environment);
  const ChildPlan plan{.executable = spec.executable.c_str(),
                       .argv = argv.data(),
                       .envp = envp.data(),
                       .work_dir = spec.work_dir.c_str(),
                       .parent = getpid(),
                       .switch_user = spec.identity.switch_user,
                       .privileged = spec.identity.privileged,
                       .uid = spec.identity.uid,
                       .gid = spec.identity.gid,
                       .groups = spec.identity.groups.data(),
                       .group_count = spec.identity.groups.size(),
                       .max_processes = spec.max_processes,
                       .terminal = static_cast<bool>(spec.terminal),
                       .input_fd = input_fd.get(),
                       .output_fd = output_fd.get(),
                       .error_fd = error_fd.get(),
                       .inherited_fds = inherited_fds.data(),
                       .inherited_count = inherited_fds.size(),
                       .listen_pid = listen_pid,
                       .report_fd = report_fd.get()};
  started.pid = fork_deaf();
  if (started.pid == 0) become_workload(plan);
  if (started.pid < 0) return system_failure(what);
  // Not yet waited for, so the number is still the child's.
  started.pidfd = UniqueFd(static_cast<int>(syscall(SYS_pidfd_open, started.pid, 0)));
  if (started.pidfd) return started;
  const auto error = errno;
  kill(started.pid, SIGKILL);
  waitpid(started.pid, nullptr, 0);
  return system_failure(what, error);
}

std::string_view to_string(SetupStep step) {
  switch (step) {
    case SetupStep::descriptors:
      return "placing its descriptors";
    case SetupStep::terminal:
      return "taking its terminal";
    case SetupStep::work_dir:
      return "entering its work directory";
    case SetupStep::privileges:
      return "dropping privileges";
    case SetupStep::user:
      return "changing the user";
    case SetupStep::parent:
      return "binding its life to the runtime's";
    case SetupStep::exec:
      return "executing it";
  }
  return "setting it up";
}

net::Task<std::optional<SetupFailure>> read_report(UniqueFd fd) {
  Descriptor report(co_await net::this_executor(), fd.release());
  SetupFailure failure;
  boost::system::error_code ended;
  auto token = net::asio::redirect_error(net::asio::use_awaitable, ended);
  // As small as it is, a pipe carries it in one piece.
  const auto room = net::asio::buffer(&failure, sizeof failure);
  const auto got = co_await report.async_read_some(room, token);
  if (ended || got != sizeof failure) co_return std::nullopt;
  co_return failure;
}

}  // namespace

struct Child::State {
  State(net::asio::any_io_executor executor, Started started)
      : pid(started.pid), pidfd(executor, started.pidfd.release()), exited(executor) {}

  static net::Task<void> watch(std::shared_ptr<State> self);

  pid_t pid;
  Descriptor pidfd;
  net::Event exited;
  std::optional<ExitStatus> status;
};

net::Task<void> Child::State::watch(std::shared_ptr<State> self) {
  boost::system::error_code ended;
  auto token = net::asio::redirect_error(net::asio::use_awaitable, ended);
  co_await self->pidfd.async_wait(Descriptor::wait_read, token);
  if (ended) co_return;
  siginfo_t info{};
  waitid(P_PID, static_cast<id_t>(self->pid), &info, WEXITED);
  self->status.emplace();
  if (info.si_code == CLD_EXITED)
    self->status->code = info.si_status;
  else
    self->status->signal = info.si_status;
  self->exited.notify();
}

Child::Child(std::shared_ptr<State> state) : state_(std::move(state)) {}

// Whoever drops it does not want it any more.
Child::~Child() { signal_group(SIGKILL); }

net::Task<Result<std::shared_ptr<Child>>> Child::start(ChildSpec spec) {
  const auto name = spec.argv.front();
  const auto setup_limit = spec.setup_limit;
  auto started = launch(std::move(spec));
  if (!started) co_return tl::unexpected(started.error());
  auto report = std::move(started->report);
  const auto executor = co_await net::this_executor();
  auto state = std::make_shared<State>(executor, *std::move(started));
  net::spawn(executor, State::watch(state), "watch of a workload's process");
  std::shared_ptr<Child> child(new Child(state));
  // Once it has its uid, others of that uid may stop it for good.
  net::asio::steady_timer limit(executor, setup_limit);
  const auto overdue = std::make_shared<bool>(false);
  limit.async_wait([state, overdue](boost::system::error_code cancelled) {
    if (cancelled || state->status) return;
    *overdue = true;
    kill(state->pid, SIGKILL);
  });
  const auto failure = co_await read_report(std::move(report));
  limit.cancel();
  if (*overdue) {
    co_await child->wait();
    co_return fail(ErrorCode::unavailable, "cannot start " + name + ": its program did not run after " +
                                               std::to_string(setup_limit.count()) +
                                               " ms; another process of its uid may have stopped it");
  }
  if (!failure) co_return child;
  co_await child->wait();
  const auto what = "cannot start " + name + ": " + std::string(to_string(failure->step));
  co_return system_failure(what, failure->error);
}

pid_t Child::pid() const noexcept { return state_->pid; }

void Child::signal_group(int signal) {
  if (!state_->status) kill(-state_->pid, signal);
}

bool Child::has_ended() const noexcept { return state_->status.has_value(); }

net::Task<ExitStatus> Child::wait() {
  const auto state = state_;
  while (!state->status) co_await state->exited.wait(std::chrono::hours(24));
  co_return *state->status;
}

net::Task<bool> Child::wait_for(std::chrono::milliseconds timeout) {
  const auto state = state_;
  if (!state->status) co_await state->exited.wait(timeout);
  co_return state->status.has_value();
}

}  // namespace dd::enclave
