// One process that the runtime started. Nothing else in the program waits for it.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dd/error.hpp"
#include "libdd/enclave/unique_fd.hpp"
#include "libdd/net/task.hpp"

namespace dd::enclave {

/// Who a workload runs as.
struct Identity {
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;
  uid_t nobody = 0;  // that no process has: see ProcessFamily
  bool switch_user = false;  // needs root
  bool privileged = false;
};

struct ChildSpec {
  std::filesystem::path executable;
  std::vector<std::string> argv;
  std::vector<std::string> environment;  // "K=V"
  std::filesystem::path work_dir;
  Identity identity;
  UniqueFd output;      // becomes standard output, and standard error unless that is given
  UniqueFd error;       // becomes standard error, or none
  UniqueFd terminal;    // in place of both and of the empty standard input, and the controlling terminal; or none
  std::vector<UniqueFd> inherited;  // become descriptors 3, 4, …; at most kMostInherited
  bool tell_pid = false;            // LISTEN_PID of its environment becomes its process id
  // Processes and threads of its uid, when it has one of its own; 0: as the runtime.
  unsigned max_processes = 0;
  std::chrono::milliseconds setup_limit{10'000};  // until its program runs
};

/// Exactly one of both.
struct ExitStatus {
  std::optional<int> code;
  std::optional<int> signal;
};

/// Use on one io thread, on the thread that lives as long as the process should: the kernel kills the child when that thread ends.
class Child {
 public:
  /// Returns when the program runs: in a session and process group of its own, with the standard input empty unless it gets a terminal, without
  /// other descriptors, and without privileges unless asked. Errors: unavailable with the step that failed.
  static net::Task<Result<std::shared_ptr<Child>>> start(ChildSpec spec);

  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  /// Also the id of its group and session.
  [[nodiscard]] pid_t pid() const noexcept;
  /// To the whole group; nothing once the process has been waited for, since its number may then be another's.
  void signal_group(int signal);
  /// Whether it has been waited for.
  [[nodiscard]] bool has_ended() const noexcept;
  net::Task<ExitStatus> wait();
  /// False at `timeout`.
  net::Task<bool> wait_for(std::chrono::milliseconds timeout);

 private:
  struct State;
  explicit Child(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

}  // namespace dd::enclave
