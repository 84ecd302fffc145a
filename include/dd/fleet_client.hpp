// A fleet as its owner uses it: ask the control plane which agents there are, deploy to one of them, read logs, clean up.
//
//   dd::FleetClientOptions options;
//   options.cp_url = "https://app.example.com";
//   options.credential = pat;
//   const auto fleet = dd::FleetClient::create(std::move(options));
//   const auto agent = fleet->find_agent("vm-1");
//   const auto deployed = fleet->deploy(agent->hostname, request);
//
// It talks to agents directly, through their public hostnames: what an agent is asked never passes the control plane. It
// does not verify evidence: evidence() hands it out for that. docs/wire.md, 6 and 6b.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dd/bytes.hpp"
#include "dd/error.hpp"
#include "dd/http.hpp"
#include "dd/secret.hpp"
#include "dd/workload.hpp"

namespace dd {

struct FleetClientOptions {
  /// Where the control plane is: "https://app.example.com". Its scheme is also that of the agents.
  std::string cp_url;
  /// Personal access token or session of somebody who acts for the fleet's owner. Without it only health() works.
  Secret credential;
  /// Connect here in place of resolving fleet hostnames ("http://127.0.0.1:9000"); requests keep their Host header. Empty: resolve.
  std::string edge_url;
  /// Hostnames that edge_url stands for; empty: all but loopback addresses.
  std::string edge_domain;
  /// PEM file of the only authorities to trust; empty: the system's.
  std::filesystem::path ca_file;
  /// For each call. A deploy with `expose` waits at the agent until the workload is public, so keep it above DD_DEPLOY_WAIT.
  std::chrono::milliseconds deadline{60'000};
  /// Who carries requests; edge_domain and ca_file are then the transport's business. Empty: a client of our own.
  std::shared_ptr<HttpTransport> transport;
};

/// What the control plane says of itself to anyone.
struct FleetHealth {
  bool ok = false;
  std::string version;
  std::string env;
  std::string hostname;
  bool simulated = false;  // accepts simulated evidence: nothing it says is attested
  std::string policy;  // "enforced", "tofu"
  std::int64_t agent_count = 0;
  std::int64_t healthy_count = 0;
  std::int64_t uptime_secs = 0;
};

/// An agent as the control plane sees it.
struct AgentSummary {
  std::string agent_id;
  std::string vm_name;
  std::string hostname;
  std::string status;  // "unknown", "healthy", "unreachable", "quarantined", "dropped"
  std::string reason;  // why it is not healthy, or empty
  std::string last_seen;  // RFC 3339, or empty before the first poll
  std::string registered_at;  // RFC 3339
  std::string kid;  // RFC 7638 thumbprint of its signing key
  std::vector<std::string> extra_hostnames;
  bool simulated = false;
  std::string verdict;  // JSON text of the policy's verdict, or empty
  std::string tcb_status;
  std::string mrtd;  // hex
  bool compat = false;  // an agent of the earlier system: not attested
};

/// What has become of a deployment.
struct Deployed {
  std::string id;
  std::string status;  // of docs/wire.md, 8; "deploying" also while it runs and is not ready or not public yet
  std::string app_name;
  std::vector<std::string> hostnames;
  std::vector<std::string> urls;
  /// Members that nobody understood, and what was not ready in time.
  std::vector<std::string> warnings;
  /// It listens on every port that it exposes; without one it has run for a while, or has ended well.
  bool ready = false;
  bool settled = false;  // the agent does nothing more for it
  bool rolled_back = false;  // it is not ready, and the one before serves
  std::string replaced;  // the id that was good before it, or empty
  std::string rollback_of;  // the id in whose place it was started, or empty
  std::string reason;  // why it is not ready, or empty
  std::optional<int> exit_code;
  std::optional<int> signal;
  std::vector<std::string> last_lines;  // of its log, when it is not ready
  std::vector<std::uint16_t> listening;  // ports of its processes
  std::vector<Expose> expose;  // with the ports that were chosen

  /// Nothing more is to be expected: it is ready and public, or it failed.
  [[nodiscard]] bool over() const { return settled && status != "deploying"; }
};

struct WorkloadLogs {
  std::string app_name;
  std::string id;
  std::string status;
  std::vector<std::string> lines;  // oldest first; a line that has no newline yet may be the last
  std::int64_t first = 0;  // the number of lines[0], counted from 0 since this id was deployed
  std::int64_t next = 0;  // what to give to logs_from for what comes behind the whole lines here
};

struct Mopped {
  std::string app_name;
  std::string id;
  std::vector<std::string> hostnames;  // that answer no longer
};

/// A command for exec().
struct Command {
  std::vector<std::string> cmd;
  /// The running workload whose uid, environment and folder it shares; empty: a uid and an empty folder of its own.
  std::string app_name;
  bool privileged = false;
  /// 1 s to an hour. Cloudflare gives an answer up after 100 s.
  std::chrono::seconds timeout{60};
};

/// How it ended: exactly one of exit_code and signal.
struct Executed {
  std::string id;
  std::optional<int> exit_code;
  std::optional<int> signal;
  std::string out;
  std::string err;
  bool truncated = false;  // there was more than 1 MiB of one of them
};

/// A command or terminal that somebody has open in a VM.
struct RunningCommand {
  std::string id;
  std::string type;  // "exec"; "attach": a terminal
  std::vector<std::string> cmd;
  std::string app_name;  // the workload that it is in; empty: none
  bool privileged = false;
  std::string started_at;  // RFC 3339
};

struct JoinTicket {
  Secret ticket;
  std::int64_t expires_at = 0;  // unix seconds
};

struct SignInLink {
  std::string url;  // signs in whoever opens it first: as secret as a credential
  std::int64_t expires_in = 0;  // seconds
};

/// Calls block until the answer or the deadline; never call from an I/O thread. Thread-safe: calls may run at the same time.
///
/// Errors of every call: those that the fleet answers, with its code, message, path and reason; unavailable or deadline_exceeded
/// when it cannot be reached; upstream when the answer is none of docs/wire.md; invalid_argument for a hostname that is none.
class FleetClient {
 public:
  /// Opens no connection. Errors: invalid_argument when cp_url or edge_url is not an origin like "https://host:port".
  [[nodiscard]] static Result<FleetClient> create(FleetClientOptions options);
  FleetClient(FleetClient&&) noexcept;
  FleetClient& operator=(FleetClient&&) noexcept;
  FleetClient(const FleetClient&) = delete;
  FleetClient& operator=(const FleetClient&) = delete;
  ~FleetClient();

  /// Sends no credential.
  [[nodiscard]] Result<FleetHealth> health() const;
  [[nodiscard]] Result<std::vector<AgentSummary>> agents() const;
  /// The agent with this VM name, agent id or hostname; with an empty name the only one of the fleet. Dropped agents count only
  /// when no other matches, and never for the empty name. Errors: not_found; conflict when several match.
  [[nodiscard]] Result<AgentSummary> find_agent(std::string_view name) const;

  /// `agent` is its hostname, here and below.
  [[nodiscard]] Result<Deployed> deploy(std::string_view agent, const DeployRequest& request) const;
  /// The same with the JSON text of a DeployRequest, sent as it is: the agent judges it. `wait` (0 to 90 s; keep it below the deadline) bounds the
  /// answer and not the deployment, which the agent carries to its end; without it DD_DEPLOY_WAIT does.
  [[nodiscard]] Result<Deployed> deploy_text(std::string_view agent, std::string_view request,
                                             std::optional<std::chrono::milliseconds> wait = {}) const;
  /// One that was deployed, once it is over(), or after `wait`.
  [[nodiscard]] Result<Deployed> deployment(std::string_view agent, std::string_view id,
                                            std::chrono::milliseconds wait = {}) const;
  /// Oldest first, finished ones included.
  [[nodiscard]] Result<std::vector<DeploymentInfo>> deployments(std::string_view agent) const;
  /// The last `tail` lines.
  [[nodiscard]] Result<WorkloadLogs> logs(std::string_view agent, std::string_view app, std::int64_t tail = 100,
                                          const DeploymentChoice& choice = {}) const;
  /// Whole lines from number `from` on, the oldest `most` (1..10000) of them. Older ones that are no longer kept are left out: then
  /// `first` is above `from`. Another id than before: the app was deployed again, and its lines count from 0.
  [[nodiscard]] Result<WorkloadLogs> logs_from(std::string_view agent, std::string_view app, std::int64_t from,
                                               std::int64_t most = 1000, const DeploymentChoice& choice = {}) const;
  /// Starts what runs of the app once more, or what ran last: the same request, the very same bytes, as a deployment of its own. As deploy_text.
  [[nodiscard]] Result<Deployed> restart(std::string_view agent, std::string_view app,
                                         std::optional<std::chrono::milliseconds> wait = {}) const;
  /// The same with the deployment of the app that was good before what runs now. Errors also: not_found when there is none.
  [[nodiscard]] Result<Deployed> rollback(std::string_view agent, std::string_view app,
                                          std::optional<std::chrono::milliseconds> wait = {}) const;
  /// As mop(). What was stopped can be started with restart().
  [[nodiscard]] Result<Mopped> stop(std::string_view agent, std::string_view app) const;
  /// Stops every deployment of the app with all its processes and takes its hostnames away.
  [[nodiscard]] Result<Mopped> mop(std::string_view agent, std::string_view app) const;
  /// Runs a command to its end. It is ended when this process goes, or does not wait any more. Errors also: deadline_exceeded when it
  /// took longer than its timeout, and was killed.
  [[nodiscard]] Result<Executed> exec(std::string_view agent, const Command& command) const;
  /// What exec() and terminals have running now, oldest first. Errors also: not_found at an earlier agent, unsupported where
  /// the runtime is an earlier one.
  [[nodiscard]] Result<std::vector<RunningCommand>> commands(std::string_view agent) const;
  /// Where a WebSocket becomes a terminal in that running workload (docs/wire.md, 6.1), once, within 30 s; `&cols=` and `&rows=` may be
  /// added. https or http, as the handshake is one or the other. It holds the ticket, and so is as secret as the credential.
  [[nodiscard]] Result<Secret> terminal_url(std::string_view agent, std::string_view app) const;
  /// What proves the VM, bound to `nonce` (16..64 bytes): the JSON text of docs/wire.md, 5.5, neither parsed nor verified.
  [[nodiscard]] Result<std::string> evidence(std::string_view agent, ByteView nonce) const;

  /// Drops the agent for good: its key may never register again. `reason` may be empty.
  [[nodiscard]] Result<void> revoke(std::string_view agent_id, std::string_view reason) const;
  /// A credential with which one VM may join once, within 15 minutes. With a name only the VM of that name may.
  [[nodiscard]] Result<JoinTicket> invite(std::string_view vm_name) const;
  /// A link that signs a browser in at the control plane's pages as the credential's user, once, within 10 minutes.
  [[nodiscard]] Result<SignInLink> sign_in_link() const;

 private:
  struct Connection;
  explicit FleetClient(std::unique_ptr<const Connection> connection);

  std::unique_ptr<const Connection> connection_;
};

}  // namespace dd
