#include "libdd/enclave/process_family.hpp"

#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "dd/log.hpp"
#include "libdd/core/decimal.hpp"
#include "libdd/core/folder.hpp"
#include "libdd/enclave/child_setup.hpp"

namespace dd::enclave {
namespace {

using namespace std::chrono_literals;

struct ProcessEntry {
  char state = 'Z';
  pid_t group = 0;
  pid_t session = 0;
};

// proc(5), /proc/[pid]/stat: "pid (comm) state ppid pgrp session …", and comm may hold anything.
std::optional<ProcessEntry> read_entry(const std::filesystem::path& folder) {
  std::ifstream file(folder / "stat");
  std::string text;
  if (!std::getline(file, text)) return std::nullopt;
  const auto end_of_name = text.rfind(')');
  if (end_of_name == std::string::npos) return std::nullopt;
  std::istringstream fields(text.substr(end_of_name + 1));
  ProcessEntry entry;
  pid_t parent = 0;
  if (!(fields >> entry.state >> parent >> entry.group >> entry.session)) return std::nullopt;
  return entry;
}

// Real, effective, saved and file system uid. From `status`, since the folder of an undumpable process belongs to root.
std::vector<uid_t> uids_of(const std::filesystem::path& folder) {
  std::ifstream file(folder / "status");
  std::vector<uid_t> uids;
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("Uid:")) continue;
    std::istringstream ids(line.substr(4));
    for (uid_t id = 0; ids >> id;) uids.push_back(id);
    break;
  }
  return uids;
}

bool has_uid(const std::filesystem::path& folder, uid_t uid) {
  const auto uids = uids_of(folder);
  return std::ranges::find(uids, uid) != uids.end();
}

bool lives(const ProcessEntry& entry) { return entry.state != 'Z' && entry.state != 'X'; }

template <class Accept>
std::vector<pid_t> select_processes(Accept accept) {
  std::vector<pid_t> found;
  for (const auto& folder : entries_of("/proc")) {
    const auto pid = decimal<pid_t>(folder.filename().string());
    if (!pid) continue;
    const auto entry = read_entry(folder);
    if (entry && lives(*entry) && accept(*entry, folder)) found.push_back(*pid);
  }
  return found;
}

// One slip elsewhere, and this would be every process of the machine.
bool is_told_by_uid(const ProcessFamily& family) { return family.uid.value_or(0) != 0; }

void kill_once(const ProcessFamily& family) {
  if (is_told_by_uid(family) && kill_everything_of(*family.uid)) return;
  for (const auto pid : living(family)) kill(pid, SIGKILL);
}

}  // namespace

std::vector<pid_t> living(const ProcessFamily& family) {
  return select_processes([&family](const ProcessEntry& entry, const std::filesystem::path& folder) {
    return is_told_by_uid(family) ? has_uid(folder, *family.uid) : entry.session == family.leader;
  });
}

std::set<uid_t> uids_alive(uid_t first, uid_t count) {
  std::set<uid_t> found;
  select_processes([&](const ProcessEntry&, const std::filesystem::path& folder) {
    for (const auto uid : uids_of(folder))
      if (uid >= first && uid - first < count) found.insert(uid);
    return false;
  });
  return found;
}

bool group_lives(const ProcessFamily& family) {
  return !select_processes([&family](const ProcessEntry& entry, const std::filesystem::path&) {
            return entry.group == family.leader;
          }).empty();
}

net::Task<void> purge(ProcessFamily family) {
  auto left = living(family);
  for (int round = 0; !left.empty() && round < 1000; ++round) {
    kill_once(family);
    co_await net::sleep_for(5ms);
    left = living(family);
  }
  if (!left.empty())
    log::error("processes of a workload do not die", {{"leader", family.leader}, {"count", left.size()}});
}

bool kill_everything_of(uid_t uid) {
  if (uid == 0) return false;
  const auto helper = fork();
  if (helper == 0) {
    // With a capability left it would be every process of the machine.
    if (syscall(SYS_setresuid, uid, uid, uid) != 0 || !clear_capabilities()) _exit(1);
    // kill(2): all that the caller may signal, which is exactly this uid's, in one walk that no fork escapes.
    kill(-1, SIGKILL);
    _exit(0);
  }
  // It lives for two system calls, and a process of that uid that kills it first only costs a round.
  if (helper > 0) waitpid(helper, nullptr, 0);
  return helper > 0;
}

}  // namespace dd::enclave
