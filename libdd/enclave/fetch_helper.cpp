#include "libdd/enclave/fetch_helper.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <optional>

#include <boost/asio/buffer.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include "libdd/enclave/fetch_channel.hpp"
#include "libdd/enclave/process_family.hpp"
#include "libdd/enclave/system_error.hpp"
#include "libdd/net/into.hpp"

namespace dd::enclave {
namespace {

constexpr const char* kName = "dd-fetch";
constexpr std::size_t kMostSaid = 4096;
// With its threads it has a handful.
constexpr unsigned kMaxProcesses = 64;

/// What a helper writes besides its reports: only when something is badly wrong with it.
net::Task<void> read_rest(int fd, SayLine say) {
  net::asio::posix::stream_descriptor output(co_await net::this_executor(), fd);
  std::array<char, 1024> bytes;
  const auto space = net::asio::buffer(bytes);
  for (std::size_t said = 0;;) {
    boost::system::error_code ended;
    const auto got = co_await output.async_read_some(space, net::into(ended));
    if (ended) co_return;
    if (said < kMostSaid) say({bytes.data(), got});
    said += got;
  }
}

/// What a helper has said, once it has nothing more to say.
struct Heard {
  explicit Heard(net::asio::any_io_executor executor) : over(std::move(executor)) {}
  std::optional<Result<void>> outcome;
  net::Event over;
};

net::Task<Result<void>> hear_all(std::shared_ptr<FetchChannel> channel,
                                 std::function<void(const protocol::FetchReport&)> hear) {
  for (;;) {
    const auto report = co_await channel->next();
    if (!report) co_return tl::unexpected(report.error());
    if (const auto* error = std::get_if<Error>(&*report)) co_return tl::unexpected(*error);
    if (std::holds_alternative<protocol::FetchDone>(*report)) co_return Result<void>{};
    hear(*report);
  }
}

net::Task<void> listen(std::shared_ptr<FetchChannel> channel, std::shared_ptr<Child> child,
                       std::function<void(const protocol::FetchReport&)> hear, std::shared_ptr<Heard> heard) {
  auto outcome = co_await hear_all(std::move(channel), std::move(hear));
  heard->outcome = std::move(outcome);
  child->signal_group(SIGKILL);
  heard->over.notify();
}

}  // namespace

std::filesystem::path find_fetch_program() {
  std::error_code failed;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", failed);
  for (const auto& folder : {self.parent_path(), std::filesystem::path(DD_LIBEXECDIR)}) {
    const auto program = folder / kName;
    if (access(program.c_str(), X_OK) == 0) return program;
  }
  return {};
}

FetchHelper::FetchHelper(net::asio::any_io_executor executor, const Settings& settings, std::filesystem::path program,
                         int number)
    : executor_(std::move(executor)), program_(std::move(program)) {
  identity_.switch_user = settings.uid_per_workload;
  identity_.uid =
      identity_.switch_user ? settings.uid_base + kWorkloadUids + 1 + static_cast<uid_t>(number) : geteuid();
  identity_.gid = identity_.switch_user ? identity_.uid : getegid();
  identity_.nobody = settings.uid_base;
}

net::Task<Result<std::shared_ptr<Child>>> FetchHelper::start(UniqueFd socket, UniqueFd output) {
  ChildSpec spec;
  spec.executable = program_;
  spec.argv = {kName};
  spec.environment = {"PATH=/usr/bin:/bin"};
  spec.work_dir = "/";
  spec.identity = identity_;
  spec.output = std::move(output);
  spec.inherited.push_back(std::move(socket));
  spec.max_processes = kMaxProcesses;
  co_return co_await Child::start(std::move(spec));
}

net::Task<Result<void>> FetchHelper::run(Order order) {
  auto ends = FetchChannel::open(executor_);
  if (!ends) co_return tl::unexpected(ends.error());
  int output[2];
  if (pipe2(output, O_CLOEXEC) != 0) co_return system_failure("cannot start dd-fetch");
  net::spawn(executor_, read_rest(output[0], order.say), "output of dd-fetch");
  // Before the helper runs, so that it never waits for it.
  if (auto sent = ends->ours->send(order.what, order.descriptors); !sent) {
    ::close(output[1]);
    co_return sent;
  }
  UniqueFd writer(output[1]);
  auto child = co_await start(std::move(ends->helpers), std::move(writer));
  if (!child) co_return tl::unexpected(child.error());
  order.job->set_child(*child);
  const auto channel = ends->ours;
  const auto heard = std::make_shared<Heard>(executor_);
  net::spawn(executor_, listen(channel, *child, order.heard, heard), "reports of dd-fetch");

  ProcessFamily family{(*child)->pid(), {}};
  if (identity_.switch_user) family.tell_by(identity_.uid, identity_.nobody);
  co_await (*child)->wait();
  order.job->set_child(nullptr);
  co_await purge(family);
  const bool gone = living(family).empty();
  // Without a uid of its own a process may be left, which has the socket, too.
  channel->end();
  while (!heard->outcome) co_await heard->over.wait(std::chrono::hours(24));
  lost_ = !gone;
  if (order.job->ended()) co_return tl::unexpected(*order.job->ended());
  // It could still write to what is believed next.
  if (!gone) co_return fail(ErrorCode::unavailable, "cannot fetch: a process of dd-fetch does not end");
  co_return *heard->outcome;
}

}  // namespace dd::enclave
