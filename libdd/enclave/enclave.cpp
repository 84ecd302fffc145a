#include "dd/enclave.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <set>

#include <boost/asio/thread_pool.hpp>

#include "dd/log.hpp"
#include "dd/quote_source.hpp"
#include "libdd/enclave/capability_server.hpp"
#include "libdd/enclave/power_off.hpp"
#include "libdd/enclave/process_family.hpp"
#include "libdd/enclave/system_error.hpp"
#include "libdd/enclave/workload_socket.hpp"
#include "libdd/net/line_socket.hpp"
#include "libdd/net/loop.hpp"
#include "libdd/net/service_runner.hpp"

namespace dd {
namespace {

using namespace enclave;

/// Null when the machine has no evidence to offer, which everything that asks will be told.
Result<std::unique_ptr<QuoteService>> open_quotes(const Settings& settings) {
  const bool simulated = !settings.simulator_file.empty();
  auto source = simulated ? make_simulated_quote_source(settings.simulator_file) : make_tsm_quote_source();
  if (source) return std::make_unique<QuoteService>(*std::move(source));
  if (simulated) return wrap(source.error(), "cannot use DD_SIMULATOR_FILE");
  log::warning("no attestation: nobody can verify what runs here", {{"reason", source.error().message}});
  return nullptr;
}

// A runtime that was killed leaves no child, but grandchildren; under the lock these uids are nobody else's.
void end_leftovers(const Settings& settings) {
  for (const auto uid : uids_alive(settings.uid_base, kUidRange)) kill_everything_of(uid, settings.uid_base);
}

Result<UniqueFd> claim_uids(const Settings& settings) {
  if (!settings.uid_per_workload) return UniqueFd();
  auto lock = lock_file("/run/dd-enclave-uids-" + std::to_string(settings.uid_base) + ".lock");
  if (!lock) return wrap(lock.error(), "cannot use DD_UID_BASE " + std::to_string(settings.uid_base));
  return lock;
}

Result<void> make_socket_folder(const std::filesystem::path& socket) {
  std::error_code failed;
  if (std::filesystem::create_directories(socket.parent_path(), failed) &&
      chmod(socket.parent_path().c_str(), 0711) != 0)
    return system_failure("cannot make folder " + socket.parent_path().string());
  if (failed) return system_failure("cannot make folder " + socket.parent_path().string(), failed.value());
  return {};
}

}  // namespace

struct Enclave::Impl {
  Impl(Settings s, DataDir d, UniqueFd lock, std::unique_ptr<QuoteService> quotes)
      : settings(std::move(s)),
        data(std::move(d)),
        uid_lock(std::move(lock)),
        keys(*settings.random),
        log(io.get_executor(), pool, std::move(quotes)),
        capability(keys, log, settings.boundary(), power_off),
        runtime(io.get_executor(), pool, cleaner, settings, data, keys, log, capability),
        socket(settings, runtime, log, keys),
        server(
            io.get_executor(),
            [this](std::string line, net::Peer peer) { return socket.answer(std::move(line), peer); },
            socket_options()) {}

  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() {
    // Blocking work writes into coroutine frames: it has to end first.
    pool.join();
    cleaner.stop();
    io.end_tasks();
  }

  [[nodiscard]] net::LineServerOptions socket_options() const {
    net::LineServerOptions options;
    options.path = settings.socket_path;
    // Every terminal has one, and so has every command that runs.
    options.max_connections = 2 * Guests::kMost;
    if (!settings.uid_per_workload) return options;
    // Workloads that were not given the token cannot even connect.
    options.mode = 0660;
    options.group = settings.uid_base;
    return options;
  }

  net::Task<Result<void>> start() {
    if (auto started = server.start(); !started) co_return wrap(started.error(), "cannot serve the workload socket");
    log::info("serving", {{"socket", settings.socket_path.string()},
                          {"attestation", log.attestation_type()},
                          {"boundary", settings.boundary()}});
    if (!settings.uid_per_workload)
      log::warning("no boundary between workloads: the runtime is not root, so all have its own uid");
    if (on_serving) on_serving();
    net::spawn(io.get_executor(), runtime.boot(), "boot");
    co_return Result<void>{};
  }

  net::Task<void> stop() {
    log::info("stopping");
    server.stop();
    co_await runtime.shut_down();
  }

  // First, so that it is destroyed last: the others hold timers and sockets of it.
  net::Loop io;
  net::asio::thread_pool pool{1};
  Cleaner cleaner;
  Settings settings;
  DataDir data;
  UniqueFd uid_lock;
  VmKeys keys;
  MeasuredLog log;
  CapabilityServer capability;
  Runtime runtime;
  WorkloadSocket socket;
  net::LineServer server;
  std::function<void()> on_serving;
};

Enclave::Enclave() = default;
Enclave::~Enclave() = default;

Result<std::unique_ptr<Enclave>> Enclave::create(EnclaveOptions options) {
  make_process_undumpable();
  auto settings = settings_from(options);
  if (!settings) return tl::unexpected(settings.error());
  auto data = DataDir::open(settings->data_dir, settings->uid_per_workload);
  if (!data) return tl::unexpected(data.error());
  auto uids = claim_uids(*settings);
  if (!uids) return tl::unexpected(uids.error());
  if (auto made = make_socket_folder(settings->socket_path); !made) return tl::unexpected(made.error());
  auto quotes = open_quotes(*settings);
  if (!quotes) return tl::unexpected(quotes.error());

  if (settings->uid_per_workload) end_leftovers(*settings);
  auto left = data->clear(boot_names(*settings));
  std::unique_ptr<Enclave> enclave(new Enclave());
  enclave->impl_ = std::make_unique<Impl>(*std::move(settings), *std::move(data), *std::move(uids), *std::move(quotes));
  auto& impl = *enclave->impl_;
  for (auto& folder : left) impl.cleaner.remove(std::move(folder));
  if (impl.settings.uid_per_workload) {
    const UidSpan workloads{impl.settings.uid_base, kUidRange};
    for (auto& folder : left_aside(workloads)) impl.cleaner.remove(std::move(folder));
    impl.cleaner.take_from(workloads);
  }
  enclave->impl_->on_serving = std::move(options.on_serving);
  return enclave;
}

Result<void> Enclave::run(std::stop_token stop) {
  auto& impl = *impl_;
  return net::run_until_stopped(
      impl.io, std::move(stop), [&impl] { return impl.start(); }, [&impl] { return impl.stop(); });
}

}  // namespace dd
