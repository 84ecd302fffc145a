#include "dd/listen_fds.hpp"

#include <unistd.h>

#include "dd/config.hpp"

namespace dd {
namespace {

constexpr int kFirst = 3;  // SD_LISTEN_FDS_START
constexpr std::int64_t kMost = 64;
constexpr std::string_view kUnnamed = "http";

}  // namespace

std::vector<int> ListenFds::named(std::string_view name) const {
  std::vector<int> found;
  if (pid != getpid()) return found;
  std::string_view left = names;
  for (int fd = kFirst; fd < kFirst + count; ++fd) {
    const auto one = names.empty() ? kUnnamed : left.substr(0, left.find(':'));
    if (one == name) found.push_back(fd);
    left.remove_prefix(left.find(':') == std::string_view::npos ? left.size() : left.find(':') + 1);
  }
  return found;
}

std::string ListenFds::why_none(std::string_view name) const {
  if (count == 0 || !named(name).empty()) return {};
  if (pid != getpid())
    return "the sockets that it inherits are for process " + std::to_string(pid) + " and this is " +
           std::to_string(getpid()) + " (start it with exec, or give its boot workload \"listen\": [])";
  return "none of the sockets that it inherits is called \"" + std::string(name) + "\" (LISTEN_FDNAMES is \"" + names +
         "\")";
}

void declare(Config& config, ListenFds& fds) {
  config.integer("LISTEN_PID", Trust::none, fds.pid, 0, 4'194'304,
                 "the process that inherits sockets, set by dd-enclave or systemd");
  config.integer(
      "LISTEN_FDS", Trust::none, fds.count, 0, kMost,
      "how many sockets it inherits, as sd_listen_fds(3) has it; they are listened on in place of address and port");
  config.text("LISTEN_FDNAMES", Trust::none, fds.names,
              "their names, separated by colons: http, and compat for the listener of DD_COMPAT");
}

}  // namespace dd
