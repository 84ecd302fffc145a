#include "libdd/enclave/socket_holders.hpp"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <optional>
#include <string_view>
#include <system_error>

#include "libdd/core/decimal.hpp"
#include "libdd/core/folder.hpp"

namespace dd::enclave {
namespace {

// proc(5): a descriptor of a socket links to "socket:[inode]".
std::optional<std::uint64_t> socket_inode(const std::filesystem::path& descriptor) {
  constexpr std::string_view kStart = "socket:[";
  std::error_code failed;
  const auto target = std::filesystem::read_symlink(descriptor, failed).string();
  if (failed || !target.starts_with(kStart) || !target.ends_with(']')) return std::nullopt;
  return decimal<std::uint64_t>(std::string_view(target).substr(kStart.size(), target.size() - kStart.size() - 1));
}

std::set<std::uint64_t> inodes_of(const std::vector<pid_t>& pids) {
  std::set<std::uint64_t> inodes;
  for (const auto pid : pids)
    for (const auto& descriptor : entries_of("/proc/" + std::to_string(pid) + "/fd"))
      if (const auto inode = socket_inode(descriptor)) inodes.insert(*inode);
  return inodes;
}

}  // namespace

std::set<std::uint64_t> listening_inodes() {
  std::set<std::uint64_t> inodes;
  for (const auto& listener : net::tcp_listeners()) inodes.insert(listener.inode);
  return inodes;
}

std::vector<net::TcpListener> sockets_of(pid_t pid) {
  auto listeners = net::tcp_listeners();
  const auto held = inodes_of({pid});
  std::erase_if(listeners, [&held](const net::TcpListener& listener) { return !held.contains(listener.inode); });
  return listeners;
}

std::vector<std::vector<net::TcpListener>> sockets_of(const std::vector<SocketHolder>& holders) {
  const auto listeners = net::tcp_listeners();
  std::vector<ProcessFamily> families;
  std::ranges::transform(holders, std::back_inserter(families), &SocketHolder::family);
  std::vector<std::set<std::uint64_t>> held;
  std::set<std::uint64_t> known = inodes_of({getpid()});
  for (const auto& pids : living(families)) {
    held.push_back(inodes_of(pids));
    known.insert(held.back().begin(), held.back().end());
  }
  std::vector<std::vector<net::TcpListener>> found(holders.size());
  for (std::size_t i = 0; i < holders.size(); ++i)
    for (const auto& listener : listeners) {
      const bool came_since =
          !holders[i].family.uid && !holders[i].earlier.contains(listener.inode) && !known.contains(listener.inode);
      if (held[i].contains(listener.inode) || came_since) found[i].push_back(listener);
    }
  return found;
}

}  // namespace dd::enclave
