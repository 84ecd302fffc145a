// The part of an agent's event log that the control plane has not seen yet, checked as it is read.
#pragma once

#include <span>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "dd/bytes.hpp"

namespace dd::cp {

/// Chain values from the last accepted prefix on. Plain value.
class LogTail {
 public:
  LogTail(std::int64_t length, const Digest384& head);

  /// Events that follow, as canonical texts. Errors: malformed for an event without its index.
  [[nodiscard]] Result<void> append(std::span<const std::string> events);

  [[nodiscard]] std::int64_t length() const noexcept { return start_ + static_cast<std::int64_t>(heads_.size()) - 1; }
  [[nodiscard]] const Digest384& head() const noexcept { return heads_.back(); }
  /// Chain value after `count` events, or nullptr for a prefix shorter than the last accepted one or longer than the log.
  [[nodiscard]] const Digest384* head_at(std::int64_t count) const noexcept;
  /// Whether one of the new events starts something privileged.
  [[nodiscard]] bool privileged() const noexcept { return privileged_; }
  /// What boots later than the agent: a release takes its time.
  [[nodiscard]] const std::vector<nlohmann::json>& boot_workloads() const noexcept { return boot_workloads_; }

 private:
  std::int64_t start_;
  std::vector<Digest384> heads_;
  bool privileged_ = false;
  std::vector<nlohmann::json> boot_workloads_;
};

}  // namespace dd::cp
