// The append-only log of what a VM was told to run (docs/wire.md, 10), and its replay.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "dd/bytes.hpp"

namespace dd {

/// Events as canonical JSON texts with the chain value after each. Not thread-safe.
class EventLog {
 public:
  static constexpr std::size_t kMaxEvents = 4096;
  static constexpr std::size_t kMaxEventBytes = 64 * 1024;

  /// Adds `index` to the object and appends its canonical form. Returns the event digest (SHA-384), which is what RTMR3 is extended with.
  /// Errors: invalid_argument when it is not an object, has `index` already, or cannot be made canonical; too_large when the log is full.
  [[nodiscard]] Result<Digest384> append(const nlohmann::json& event);
  /// Takes over events from elsewhere: each must carry the index that follows and a `type`. All or none. Texts must be canonical already; an
  /// array of objects is made so. Errors, with the event's JSON path: malformed; too_large for an event, or for more than kMaxEvents.
  [[nodiscard]] Result<void> append_foreign(std::span<const std::string> events);
  [[nodiscard]] Result<void> append_foreign(const nlohmann::json& events);

  [[nodiscard]] std::size_t size() const noexcept { return events_.size(); }
  [[nodiscard]] const std::vector<std::string>& events() const noexcept { return events_; }
  /// Chain value after the first `count` events, at most size(); 48 zero bytes for 0.
  [[nodiscard]] const Digest384& head_at(std::size_t count) const { return heads_[count]; }
  [[nodiscard]] const Digest384& head() const noexcept { return heads_.back(); }

 private:
  [[nodiscard]] Result<void> room_for(std::size_t count) const;
  void take(std::vector<std::string> texts);

  std::vector<std::string> events_;
  std::vector<Digest384> heads_{Digest384{}};
};

/// What the policy wants to know of a log.
struct LogFacts {
  std::string runtime_digest;
  std::string attestation_type;
  bool rtmr3_extended = false;
  bool boundary = false;  // uid per workload
  std::string agent_digest;
  std::string connector_digest;
  std::string owner;
  std::string owner_id;
  std::string cp_origin;  // of DD_CP_URL of the workload with role agent
  /// What decides whom runtime and agent believe, and what names they look up resolve to, where it is not the default: "NAME=value NAME=value", the
  /// runtime's first, as "runtime.NAME", then those of each boot workload in the order of events and names; values as the log has them, with %20 for a
  /// blank and %25 for a %. Of a workload that is no agent, as "APP.NAME", variables by which a program runs other code (LD_PRELOAD, BASH_ENV,
  /// PYTHONPATH, …); of agent and connector arguments, as "APP.cmd". "default" when there is nothing.
  std::string trust_settings = "default";
  /// What boots besides the agent, in the order of events: "NAME sha256:… sha256:…", digest of the program and of what its event says (docs/wire.md, 10.1).
  std::vector<std::string> boot_workloads;
  std::string boot_id;
  /// Something privileged was started, or something that holds the runtime's token and is neither agent nor control plane.
  bool privileged = false;
};

/// Reads the facts from events in order. Errors: malformed when the first event is no `boot` event or a role occurs twice.
[[nodiscard]] Result<LogFacts> log_facts(const EventLog& log);

}  // namespace dd
