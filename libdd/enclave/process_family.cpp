#include "libdd/enclave/process_family.hpp"

#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "dd/log.hpp"
#include "libdd/core/decimal.hpp"
#include "libdd/core/folder.hpp"
#include "libdd/core/fork.hpp"
#include "libdd/enclave/child_setup.hpp"
#include "libdd/enclave/unique_fd.hpp"

namespace dd::enclave {
namespace {

using namespace std::chrono_literals;

struct ProcessEntry {
  char state = 'Z';
  pid_t parent = 0;
  pid_t group = 0;
  pid_t session = 0;
};

// The start of such a file: what is asked for stands in its first few hundred bytes. By hand, because a walk reads some hundreds of them while
// somebody waits for his deployment.
std::string start_of(const std::filesystem::path& file, std::size_t most = 2048) {
  std::string text(most, '\0');
  const UniqueFd fd(open(file.c_str(), O_RDONLY | O_CLOEXEC));
  std::size_t size = 0;
  while (fd && size < most) {
    const auto got = read(fd.get(), text.data() + size, most - size);
    if (got <= 0) break;
    size += static_cast<std::size_t>(got);
  }
  text.resize(size);
  return text;
}

constexpr unsigned kKernelThread = 0x00200000;  // PF_KTHREAD, linux/sched.h

// proc(5), /proc/[pid]/stat: "pid (comm) state ppid pgrp session tty tpgid flags …", and comm may hold anything. Threads of the kernel are no processes.
std::optional<ProcessEntry> read_entry(const std::filesystem::path& folder) {
  const auto text = start_of(folder / "stat");
  const auto end_of_name = text.rfind(')');
  if (end_of_name == std::string::npos) return std::nullopt;
  ProcessEntry entry;
  unsigned flags = 0;
  const int read = std::sscanf(text.c_str() + end_of_name + 1, " %c %d %d %d %*d %*d %u", &entry.state, &entry.parent,
                               &entry.group, &entry.session, &flags);
  if (read != 5 || (flags & kKernelThread) != 0) return std::nullopt;
  return entry;
}

// Real, effective, saved and file system uid. From `status`, since the folder of an undumpable process belongs to root.
std::vector<uid_t> uids_of(const std::filesystem::path& folder) {
  const auto text = start_of(folder / "status");
  const auto line = text.find("\nUid:");
  std::vector<uid_t> uids(4);
  if (line == std::string::npos ||
      std::sscanf(text.c_str() + line, "\nUid: %u %u %u %u", &uids[0], &uids[1], &uids[2], &uids[3]) != 4)
    uids.clear();
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

// A process can say that its environment is somewhere else, and as long as it likes (prctl(2), PR_SET_MM). Ours is far shorter.
constexpr std::size_t kLongestEnvironment = 256 * 1024;

// proc(5), /proc/[pid]/environ: as it was when the program was started, each variable ended by a NUL. Root may read it, and only root asks.
std::string deployment_of(const std::filesystem::path& folder) {
  const auto start = std::string(kDeploymentVariable) + "=";
  const auto text = start_of(folder / "environ", kLongestEnvironment);
  std::string_view rest = text;
  while (!rest.empty()) {
    const auto variable = rest.substr(0, rest.find('\0'));
    if (variable.starts_with(start)) return std::string(variable.substr(start.size()));
    rest.remove_prefix(std::min(rest.size(), variable.size() + 1));
  }
  return {};
}

using ByPid = std::map<pid_t, const Process*>;

/// Which of the families of its uid a process is of; `families` have more than one.
std::optional<std::size_t> owner_of(const Process& process, const std::vector<ProcessFamily>& families,
                                    const std::vector<std::size_t>& of_its_uid, const ByPid& by_pid) {
  const auto among = [&](const auto& is_it) -> std::optional<std::size_t> {
    const auto found = std::ranges::find_if(of_its_uid, [&](std::size_t i) { return is_it(families[i]); });
    return found == of_its_uid.end() ? std::nullopt : std::optional(*found);
  };
  // Pids can be used anew during the walk: no more steps than there are processes.
  auto at = by_pid.find(process.pid);
  for (std::size_t steps = 0; at != by_pid.end() && steps < by_pid.size(); ++steps) {
    const auto& [pid, one] = *at;
    if (auto leads = among([pid](const ProcessFamily& family) { return family.leader == pid; })) return leads;
    at = by_pid.find(one->entry.parent);
  }
  if (auto leads = among([&](const ProcessFamily& family) { return family.leader == process.entry.session; }))
    return leads;
  // What it was started with; or, of one that hides that, what its ancestors or the first of its session were.
  const auto marked = [&](const Process& one) {
    const auto id = deployment_of(one.folder);
    return among([&id](const ProcessFamily& family) { return !id.empty() && family.deployment_id == id; });
  };
  at = by_pid.find(process.pid);
  for (std::size_t steps = 0; at != by_pid.end() && steps < by_pid.size(); ++steps) {
    if (auto owner = marked(*at->second)) return owner;
    at = by_pid.find(at->second->entry.parent);
  }
  at = by_pid.find(process.entry.session);
  return at == by_pid.end() ? std::nullopt : marked(*at->second);
}

void kill_once(const ProcessFamily& family, const std::vector<pid_t>& members, bool alone) {
  if (alone && is_told_by_uid(family) && kill_everything_of(*family.uid, family.nobody)) return;
  for (const auto pid : members) kill(pid, SIGKILL);
}

/// What is of `family` while `others` have its uid too.
std::vector<pid_t> living_beside(const ProcessFamily& family, const std::vector<ProcessFamily>& others) {
  auto all = others;
  all.push_back(family);
  return living(all).back();
}

}  // namespace

std::vector<pid_t> living(const ProcessFamily& family) { return living(std::vector{family}).front(); }

std::vector<std::vector<pid_t>> living(const std::vector<ProcessFamily>& families) {
  std::vector<std::vector<pid_t>> members(families.size());
  std::map<pid_t, std::vector<pid_t>> children;
  ByPid by_pid;
  const bool by_uid = std::ranges::any_of(families, is_told_by_uid);
  const auto all = processes();
  for (const auto& process : all) by_pid.emplace(process.pid, &process);
  for (const auto& process : all) {
    children[process.entry.parent].push_back(process.pid);
    const auto uids = by_uid ? uids_of(process.folder) : std::vector<uid_t>{};
    std::vector<std::size_t> by_its_uid;
    for (std::size_t i = 0; i < families.size(); ++i) {
      if (!is_member(families[i], process.entry, uids)) continue;
      if (is_told_by_uid(families[i]))
        by_its_uid.push_back(i);
      else
        members[i].push_back(process.pid);
    }
    std::optional<std::size_t> owner;
    if (by_its_uid.size() == 1) owner = by_its_uid.front();
    if (by_its_uid.size() > 1) owner = owner_of(process, families, by_its_uid, by_pid);
    if (owner) members[*owner].push_back(process.pid);
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
  return purge(std::move(family), [] { return std::vector<ProcessFamily>(); });
}

net::Task<void> purge(ProcessFamily family, Beside beside) {
  auto others = beside();
  auto left = living_beside(family, others);
  for (int round = 0; !left.empty() && round < 1000; ++round) {
    kill_once(family, left, others.empty());
    co_await net::sleep_for(5ms);
    others = beside();
    left = living_beside(family, others);
  }
  if (!left.empty())
    log::error("processes of a workload do not die", {{"leader", family.leader}, {"count", left.size()}});
}

bool kill_everything_of(uid_t uid, uid_t nobody) {
  if (uid == 0 || nobody == 0) return false;
  // Deaf: processes of that uid may signal it, and the handlers are the runtime's.
  const auto helper = fork_deaf();
  if (helper == 0) {
    // kill(2): who signals is looked at by his effective uid, who is signalled by his real and saved ones. With a capability left it would be every
    // process of the machine.
    if (syscall(SYS_setresuid, nobody, uid, nobody) != 0 || !clear_capabilities()) _exit(1);
    // kill(2): all that the caller may signal, which is exactly this uid's, in one walk that no fork escapes.
    kill(-1, SIGKILL);
    _exit(0);
  }
  int status = 0;
  return helper > 0 && waitpid(helper, &status, 0) == helper && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace dd::enclave
