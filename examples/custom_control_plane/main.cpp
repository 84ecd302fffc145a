// A control plane of your own: its registry is a map in memory, and only VMs that Ada named may join.
//
//   DD_ENV=… DD_OWNER=… (see `dd-cp --help`) ADA_VMS=vm-1,vm-2 custom_control_plane
//
// Everything that dd-cp checks is checked here too; the admission hook comes on top.
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <mutex>
#include <thread>

#include "dd/config.hpp"
#include "dd/control_plane.hpp"

namespace {

/// A registry that forgets everything when the process ends. Yours would talk to your database.
class MapRegistry final : public dd::Registry {
 public:
  dd::Result<std::optional<std::string>> get(std::string_view table, std::string_view key) override {
    const std::lock_guard lock(mutex_);
    const auto found = rows_.find({std::string(table), std::string(key)});
    return found == rows_.end() ? std::nullopt : std::optional(found->second);
  }

  dd::Result<std::vector<std::pair<std::string, std::string>>> list(std::string_view table) override {
    const std::lock_guard lock(mutex_);
    std::vector<std::pair<std::string, std::string>> rows;
    for (const auto& [key, value] : rows_)
      if (key.first == table) rows.emplace_back(key.second, value);
    return rows;
  }

  dd::Result<void> apply(std::span<const dd::RegistryChange> changes) override {
    const std::lock_guard lock(mutex_);
    for (const auto& change : changes)
      if (change.kind == dd::RegistryChange::Kind::insert && rows_.contains({change.table, change.key}))
        return dd::fail(dd::ErrorCode::conflict, "cannot insert " + change.key + ": it is there already");
    for (const auto& change : changes) {
      if (change.kind == dd::RegistryChange::Kind::erase)
        rows_.erase({change.table, change.key});
      else
        rows_.insert_or_assign({change.table, change.key}, change.value);
    }
    return {};
  }

 private:
  std::mutex mutex_;
  std::map<std::pair<std::string, std::string>, std::string> rows_;
};

int complain(const dd::Error& error) {
  std::fprintf(stderr, "custom_control_plane: %s\n", error.message.c_str());
  return 1;
}

}  // namespace

int main() {
  dd::ControlPlaneOptions options;
  std::vector<std::string> welcome;
  dd::Config config;
  declare(config, options);
  config.list("ADA_VMS", dd::Trust::setting, welcome, "names of the VMs that may join");
  if (const auto loaded = config.load_environment(); !loaded) return complain(loaded.error());

  options.registry = std::make_shared<MapRegistry>();
  options.admission = [welcome](const dd::Candidate& candidate) -> dd::Result<void> {
    if (std::find(welcome.begin(), welcome.end(), candidate.vm_name) != welcome.end()) return {};
    return dd::fail(dd::ErrorCode::permission_denied, "cannot admit " + candidate.vm_name + ": Ada did not name it");
  };
  auto control_plane = dd::ControlPlane::create(std::move(options));
  if (!control_plane) return complain(control_plane.error());

  // Signals are the program's business: block them before the first thread, wait for one beside the service.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::stop_source stop;
  std::thread waiter([&signals, &stop] {
    int caught = 0;
    sigwait(&signals, &caught);
    stop.request_stop();
  });
  const auto ended = (*control_plane)->run(stop.get_token());
  kill(getpid(), SIGTERM);  // blocked everywhere else
  waiter.join();
  return ended ? 0 : complain(ended.error());
}
