// One command run to its end, as an agent is asked for it and as its runtime is (docs/wire.md, 6 and 8).
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "libdd/core/json.hpp"
#include "libdd/protocol/attach_frames.hpp"

namespace dd::protocol {

struct ExecRequest {
  static constexpr std::chrono::seconds kMaxTimeout{3600};

  std::vector<std::string> cmd;
  /// The workload whose uid, environment and folder it shares; empty: a uid and an empty folder of its own.
  std::string app_name;
  bool privileged = false;
  std::chrono::seconds timeout{60};
  bool operator==(const ExecRequest&) const = default;
};

struct ExecAnswer {
  std::string id;
  CommandExit exit;
  std::string out;
  std::string err;
  bool truncated = false;  // there was more of one of them than is told
  bool operator==(const ExecAnswer&) const = default;
};

/// One that runs beside the workloads: exec's, or what a terminal was opened with.
struct RunningCommand {
  std::string id;
  std::string type;  // exec or attach
  std::vector<std::string> cmd;
  std::string app_name;  // empty: in no workload
  bool privileged = false;
  std::string started_at;  // RFC 3339
  bool operator==(const RunningCommand&) const = default;
};

[[nodiscard]] Json to_json_value(const ExecRequest& request);
/// Errors: malformed and invalid_argument with the JSON path.
[[nodiscard]] Result<ExecRequest> exec_request_from(const Json& value);

[[nodiscard]] Json to_json_value(const ExecAnswer& answer);
[[nodiscard]] Result<ExecAnswer> exec_answer_from(const Json& value);

/// `{"commands":[…]}`, oldest first.
[[nodiscard]] Json to_json_value(const std::vector<RunningCommand>& commands);
[[nodiscard]] Result<std::vector<RunningCommand>> running_commands_from(const Json& value);

}  // namespace dd::protocol
