#include "libdd/enclave/process_family.hpp"

#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <map>
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
  pid_t parent = 0;
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
  if (!(fields >> entry.state >> entry.parent >> entry.group >> entry.session)) return std::nullopt;
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

bool lives(const ProcessEntry& entry) { return entry.state != 'Z' && entry.state != 'X'; }

struct Process {
  pid_t pid = 0;
  ProcessEntry entry;
  std::filesystem::path folder;
};

std::vector<Process> processes() {
  std::vector<Process> found;
  for (auto& folder : entries_of("/proc")) {
    const auto pid = decimal<pid_t>(folder.filename().string());
    if (!pid) continue;
    const auto entry = read_entry(folder);
    if (entry && lives(*entry)) found.push_back({*pid, *entry, std::move(folder)});
  }
  return found;
}

// One slip elsewhere, and this would be every process of the machine.
bool is_told_by_uid(const ProcessFamily& family) { return family.uid.value_or(0) != 0; }

bool is_member(const ProcessFamily& family, const ProcessEntry& entry, const std::vector<uid_t>& uids) {
  if (is_told_by_uid(family)) return std::ranges::find(uids, *family.uid) != uids.end();
  return family.leader > 1 && entry.session == family.leader;
}

void add_descendants(std::vector<pid_t>& members, const std::map<pid_t, std::vector<pid_t>>& children) {
  std::set<pid_t> known(members.begin(), members.end());
  for (std::size_t next = 0; next < members.size(); ++next) {
    const auto of_this = children.find(members[next]);
    if (of_this == children.end()) continue;
    for (const auto child : of_this->second)
      if (known.insert(child).second) members.push_back(child);
  }
}

void kill_once(const ProcessFamily& family) {
  if (is_told_by_uid(family) && kill_everything_of(*family.uid)) return;
  for (const auto pid : living(family)) kill(pid, SIGKILL);
}

}  // namespace

std::vector<pid_t> living(const ProcessFamily& family) { return living(std::vector{family}).front(); }

std::vector<std::vector<pid_t>> living(const std::vector<ProcessFamily>& families) {
  std::vector<std::vector<pid_t>> members(families.size());
  std::map<pid_t, std::vector<pid_t>> children;
  const bool by_uid = std::ranges::any_of(families, is_told_by_uid);
  for (const auto& [pid, entry, folder] : processes()) {
    children[entry.parent].push_back(pid);
    const auto uids = by_uid ? uids_of(folder) : std::vector<uid_t>{};
    for (std::size_t i = 0; i < families.size(); ++i)
      if (is_member(families[i], entry, uids)) members[i].push_back(pid);
  }
  for (std::size_t i = 0; i < families.size(); ++i)
    if (!is_told_by_uid(families[i])) add_descendants(members[i], children);
  return members;
}

std::set<uid_t> uids_alive(uid_t first, uid_t count) {
  std::set<uid_t> found;
  for (const auto& process : processes())
    for (const auto uid : uids_of(process.folder))
      if (uid >= first && uid - first < count) found.insert(uid);
  return found;
}

bool group_lives(const ProcessFamily& family) {
  return std::ranges::any_of(processes(),
                             [&family](const Process& process) { return process.entry.group == family.leader; });
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
