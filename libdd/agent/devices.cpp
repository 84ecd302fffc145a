#include <mntent.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <string_view>

#include "libdd/agent/metrics.hpp"

namespace dd::agent {
namespace {

// File systems that hold no data of their own.
constexpr std::array<std::string_view, 24> kNoDisks = {
    "autofs",   "binfmt_misc", "bpf",        "cgroup",   "cgroup2", "configfs", "debugfs", "devpts",
    "devtmpfs", "fusectl",     "hugetlbfs",  "iso9660",  "mqueue",  "nsfs",     "proc",    "pstore",
    "ramfs",    "rpc_pipefs",  "securityfs", "squashfs", "sysfs",   "tmpfs",    "tracefs", "efivarfs"};

/// One that another machine or process answers for could keep us waiting.
bool may_block(std::string_view type) {
  return type.starts_with("fuse") || type.starts_with("nfs") || type == "cifs" || type == "smb3" || type == "9p";
}

}  // namespace

std::vector<protocol::Interface> read_interfaces() {
  std::vector<protocol::Interface> found;
  std::ifstream file("/proc/net/dev");
  std::string line;
  while (std::getline(file, line)) {
    const auto colon = line.find(':');
    if (colon == std::string::npos) continue;  // the two lines of headings
    protocol::Interface one;
    const auto start = line.find_first_not_of(' ');
    one.name = line.substr(start, colon - start);
    std::istringstream columns(line.substr(colon + 1));
    std::int64_t value = 0;
    for (int column = 0; column <= 8 && columns >> value; ++column) {
      if (column == 0) one.rx_bytes = value;
      if (column == 8) one.tx_bytes = value;
    }
    if (one.name != "lo") found.push_back(std::move(one));
  }
  return found;
}

std::vector<protocol::Disk> read_disks() {
  std::vector<protocol::Disk> found;
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> mounts(setmntent("/proc/mounts", "r"), endmntent);
  if (!mounts) return found;
  std::set<std::string> seen;
  mntent entry{};
  std::array<char, 4096> text{};
  while (getmntent_r(mounts.get(), &entry, text.data(), text.size()) != nullptr) {
    const std::string_view type = entry.mnt_type;
    if (may_block(type) || std::ranges::find(kNoDisks, type) != kNoDisks.end()) continue;
    struct statvfs usage{};
    if (!seen.insert(entry.mnt_dir).second || statvfs(entry.mnt_dir, &usage) != 0 || usage.f_blocks == 0) continue;
    const auto unit = static_cast<std::int64_t>(usage.f_frsize);
    const auto total = static_cast<std::int64_t>(usage.f_blocks) * unit;
    found.push_back({entry.mnt_dir, entry.mnt_type, total - static_cast<std::int64_t>(usage.f_bavail) * unit, total});
  }
  return found;
}

}  // namespace dd::agent
