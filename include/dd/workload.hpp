// A workload as its owner asks for it (DeployRequest) and as the runtime reports it (DeploymentInfo). docs/wire.md, 7 and 8.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "dd/error.hpp"

namespace dd {

enum class ServiceProtocol { http, https, tcp };

/// A port of a workload that gets a public hostname.
struct Expose {
  std::string hostname_label;
  std::uint16_t port = 0;  // 0, in a DeployRequest alone: the agent chooses one
  ServiceProtocol protocol = ServiceProtocol::http;
  /// Of what an agent publishes: where its process was seen to answer, "127.0.0.1" or "::1". Empty: not known.
  std::string address = {};
  bool operator==(const Expose&) const = default;
};

/// An asset of a GitHub release: a program, or an archive (.tar.gz, .tgz) that holds one.
struct GithubRelease {
  std::string repo;  // "owner/name"
  std::string asset;  // exact name
  std::string tag;  // empty: the latest release
  std::string rename;  // a second name; of an archive the path of the program inside it. Empty: none
  std::string sha256;  // 64 hex digits that the asset must have; empty: not pinned
  bool operator==(const GithubRelease&) const = default;
};
inline constexpr std::string_view kDigestPrefix = "sha256:";
[[nodiscard]] nlohmann::json to_json_value(const GithubRelease& release);
/// By its name.
[[nodiscard]] bool is_archive(std::string_view asset) noexcept;
/// Name of the program; inside an archive its path: `rename`, else the asset's name without the archive's ending.
[[nodiscard]] std::string program_of(const GithubRelease& release);
/// "owner/name@tag", "@latest" without a tag.
[[nodiscard]] std::string source_text(const GithubRelease& release);

/// What an agent does with a deployment that ends or is not ready in time.
enum class OnFailure {
  rollback,  // it is stopped, and the one before started again
  keep,  // it is left as it is
};

/// What `POST /deploy` takes.
struct DeployRequest {
  std::string app_name;
  /// Empty only with `github_release`: it is then fetched for others and nothing is started. With one, it takes the place of cmd[0].
  std::vector<std::string> cmd;
  std::vector<std::pair<std::string, std::string>> env;
  std::vector<Expose> expose;
  bool privileged = false;
  /// Its standard input, output and error are a terminal. Nobody types in it; what it writes is the log.
  bool tty = false;
  /// Members that nobody understands, by name; the caller gets them as warnings.
  std::vector<std::string> unknown;
  std::optional<GithubRelease> github_release = std::nullopt;
  /// How long its processes may take to listen on every port, from when it runs. Up to 10 minutes.
  std::chrono::milliseconds ready_timeout{60'000};
  OnFailure on_failure = OnFailure::rollback;
  /// Whether the deployment before runs on beside it, until it is stopped on its own. Nothing: an agent decides. Not for a privileged one.
  std::optional<bool> overlap = std::nullopt;

  bool operator==(const DeployRequest&) const = default;
};

/// Errors: malformed, invalid_argument, too_large with the JSON path.
[[nodiscard]] Result<DeployRequest> parse_deploy_request(std::string_view text);
[[nodiscard]] Result<DeployRequest> deploy_request_from(const nlohmann::json& value);
/// Without `unknown`.
[[nodiscard]] nlohmann::json to_json_value(const DeployRequest& request);
[[nodiscard]] nlohmann::json to_json_value(const Expose& expose);
/// An object or a list of at most `most`, labels distinct; `path` is where it stands.
[[nodiscard]] Result<std::vector<Expose>> expose_from(const nlohmann::json& value, std::string path, std::size_t most);

[[nodiscard]] bool valid_app_name(std::string_view name) noexcept;
[[nodiscard]] bool valid_hostname_label(std::string_view label) noexcept;
[[nodiscard]] bool valid_vm_name(std::string_view name) noexcept;
[[nodiscard]] bool valid_env_label(std::string_view label) noexcept;

enum class DeploymentStatus { deploying, running, completed, exited, failed, stopped };
[[nodiscard]] std::string_view to_string(DeploymentStatus status) noexcept;
[[nodiscard]] std::optional<DeploymentStatus> deployment_status_from(std::string_view name) noexcept;
/// deploying or running.
[[nodiscard]] bool is_live(DeploymentStatus status) noexcept;

/// A TCP address that a process listens on.
struct ListenAddress {
  std::string address;  // in text, "0.0.0.0" and "::" for any
  std::uint16_t port = 0;
  bool operator==(const ListenAddress&) const = default;
};

struct DeploymentInfo {
  std::string id;
  std::optional<std::int64_t> pid;
  std::string app_name;
  std::string source;
  DeploymentStatus status = DeploymentStatus::deploying;
  std::string error_message;
  std::string started_at;  // RFC 3339
  std::string exited_at;  // RFC 3339 or empty
  std::optional<int> exit_code;
  std::optional<int> signal;
  std::string digest;
  std::int64_t uid = 0;
  bool privileged = false;
  bool boot = false;
  std::vector<Expose> expose;
  std::string rollback_of;  // the id in whose place it was started; or empty
  std::string repeats;  // the id of the first deployment of the same request and bytes, when it is not that itself
  /// Where its own processes listen. Nothing where that was not asked for, and from a runtime that cannot tell.
  std::optional<std::vector<ListenAddress>> listeners;

  bool operator==(const DeploymentInfo&) const = default;
};
/// Whether it is known to listen there on a loopback address or on any: where visitors are led to.
[[nodiscard]] bool listens_on(const DeploymentInfo& info, std::uint16_t port) noexcept;
[[nodiscard]] nlohmann::json to_json_value(const DeploymentInfo& info);
/// Tolerates unknown members; an unknown status reads as exited. `path` is where it stands.
[[nodiscard]] Result<DeploymentInfo> deployment_info_from(const nlohmann::json& value, std::string path = "$");

/// Which deployment of an app is meant: without a word the one that runs, or else the newest. At most one of both.
struct DeploymentChoice {
  std::string id = {};
  bool previous = false;  // the newest that is over, beside the one that runs
};

/// A port on loopback, 127.0.0.1 and ::1, that the runtime opens before it starts anything and hands over as sd_listen_fds(3) describes.
struct ListenSocket {
  std::string name;  // in LISTEN_FDNAMES
  std::uint16_t port = 0;  // 0: any free one
  bool operator==(const ListenSocket&) const = default;
};

/// A workload that the runtime starts at boot, from its configuration.
struct BootWorkload {
  enum class Role { none, agent, cp, connector };
  DeployRequest request;
  Role role = Role::none;
  bool inherit_token = false;
  std::vector<ListenSocket> listen = {};
  /// Not said, and taken from the DD_PORT and DD_COMPAT_PORT of an agent or a control plane: it can do without.
  bool listen_by_default = false;
};
/// Unknown members are refused: this is configuration.
[[nodiscard]] Result<std::vector<BootWorkload>> parse_boot_workloads(std::string_view text);
[[nodiscard]] std::string_view to_string(BootWorkload::Role role) noexcept;

}  // namespace dd
