// A whole runtime on a thread of its own, spoken to through its socket as an agent does.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <nlohmann/json.hpp>

#include "dd/enclave.hpp"
#include "dd/workload.hpp"
#include "libdd/core/json.hpp"
#include "libdd/net/line_socket.hpp"
#include "tests/support/temp_dir.hpp"

namespace dd::test {

/// Uids of their own, and what they keep apart, take root.
inline const bool kNoRoot = geteuid() != 0;

/// Waits until `condition` holds; false after 20 s.
[[nodiscard]] bool eventually(const std::function<bool()>& condition);
[[nodiscard]] bool process_lives(pid_t pid);
[[nodiscard]] std::size_t open_descriptors();

class RunningEnclave {
 public:
  /// The given boot workloads and one more, "holder", that is given the token.
  explicit RunningEnclave(Json boot_workloads = Json::array(),
                          std::chrono::milliseconds stop_grace = std::chrono::seconds(5),
                          const std::function<void(EnclaveOptions&)>& change = {});
  RunningEnclave(const RunningEnclave&) = delete;
  RunningEnclave& operator=(const RunningEnclave&) = delete;
  ~RunningEnclave();

  /// One request with the token; the answer.
  Json call(Json request);
  /// One line as it is; the answer.
  Json call_raw(const std::string& line);
  /// Deploys and returns the id; without a command when `cmd` is empty.
  std::string deploy(const std::string& app, std::vector<std::string> cmd, Json more = Json::object());
  DeploymentInfo info(const std::string& id);
  DeploymentInfo find(const std::string& app);
  std::vector<DeploymentInfo> list();
  /// Once it is no longer `deploying`.
  DeploymentInfo settled(const std::string& id);
  /// Once it is over.
  DeploymentInfo finished(const std::string& id);
  std::vector<std::string> logs(const std::string& id);
  /// The first line that starts with `start`, once it is there; empty when it does not come.
  std::string line(const std::string& id, const std::string& start);
  /// Runs the probe as a workload of its own to its end; what it said.
  std::string probe(std::vector<std::string> arguments, Json more = Json::object());

  void stop();
  [[nodiscard]] const std::filesystem::path& socket() const { return socket_; }
  [[nodiscard]] std::filesystem::path data() const { return folder_.path() / "data"; }
  [[nodiscard]] const std::string& token() const { return token_; }

 private:
  TempDir folder_;
  std::filesystem::path socket_ = folder_.path() / "run" / "agent.sock";
  std::string token_;
  std::unique_ptr<Enclave> enclave_;
  std::jthread thread_;
  boost::asio::io_context io_;
  std::unique_ptr<net::LineClient> client_;
};

}  // namespace dd::test
