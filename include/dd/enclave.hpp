// The workload runtime as a library: holds a VM's keys, starts what its configuration and its agent say, and logs each step
// before it takes it, so that a quote can prove what ran.
//
// It speaks easyenclave's socket protocol (docs/wire.md, 8) and hands a capability socket (9) to the boot workloads with role
// `agent` or `cp`. As root each workload has a uid of its own; without root there is one uid and no boundary, which every
// answer and the event log say.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>

#include "dd/clock.hpp"
#include "dd/error.hpp"
#include "dd/random.hpp"
#include "dd/secret.hpp"

namespace dd {

class Config;

struct EnclaveOptions {
  /// JSON object with `socket_path`, `data_dir`, `boot_workloads`, each optional; other members are refused. The default file may be missing.
  std::filesystem::path config_file = "/etc/easyenclave/config.json";
  /// Empty: the configuration file's, else /var/lib/easyenclave/agent.sock.
  std::filesystem::path socket_path;
  /// Holds the store of executables and the workloads' own directories. Every folder above it must be searchable by others, since
  /// workloads run under other uids. Empty: the configuration file's, else /var/lib/easyenclave.
  std::filesystem::path data_dir;
  /// JSON array of boot workloads, a secret because their `env` holds some. Empty: the configuration file's, else none.
  Secret boot_workloads;
  /// Where a `cmd[0]` without '/' is looked up; workloads get it as PATH.
  std::string search_path = "/usr/local/bin:/usr/local/sbin:/usr/bin:/usr/sbin:/bin:/sbin";
  /// Evidence comes from the simulator whose file this is, in a build with -Dsimulation=true. Empty: from the kernel.
  std::filesystem::path simulator_file;
  /// Root only: workloads get uids from [uid_base, uid_base + 1000), which must be nobody else's on this machine.
  std::int64_t uid_base = 200000;
  /// GitHub's API, for workloads from releases. An origin with an optional path.
  std::string github_api_url = "https://api.github.com";
  /// For private repositories and GitHub's higher rate limit. Sent to github_api_url alone; no workload gets it.
  Secret github_token;
  /// PEM file of the only authorities that a release's server may have; empty: the system's.
  std::filesystem::path ca_file;
  /// For downloading and unpacking one release.
  std::chrono::milliseconds fetch_timeout{600'000};
  /// The helper dd-fetch. Empty: beside this program, else where it is installed.
  std::filesystem::path fetch_program;
  /// From SIGTERM to SIGKILL.
  std::chrono::milliseconds stop_grace{5'000};

  // Seams. Left empty, the real ones are used.
  const Clock* clock = nullptr;
  Random* random = nullptr;
  /// Called on the thread of run() when the socket accepts; boot workloads start after it.
  std::function<void()> on_serving;
};

/// Declares the EE_* and DD_* variables of dd-enclave with their defaults.
void declare(Config& config, EnclaveOptions& options);

/// One runtime. Linux 5.9 or newer. The process it lives in becomes undumpable.
class Enclave {
 public:
  /// Reads the configuration, makes keys, opens the quote source.
  /// Errors: invalid_argument and malformed (configuration, by name and JSON path), unsupported (simulator without the build option),
  /// conflict (another runtime has the directory or the uids), unavailable.
  [[nodiscard]] static Result<std::unique_ptr<Enclave>> create(EnclaveOptions options);
  ~Enclave();
  Enclave(const Enclave&) = delete;
  Enclave& operator=(const Enclave&) = delete;

  /// Serves until `stop` is requested, then stops every workload. Blocks; one call per object. When the calling thread
  /// ends otherwise (SIGKILL), the kernel kills each workload's first process, and the next runtime with the same uids what those started. Errors: conflict (socket in use), unavailable.
  [[nodiscard]] Result<void> run(std::stop_token stop);

 private:
  Enclave();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dd
