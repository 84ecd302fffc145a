#include "libdd/cp/log_tail.hpp"

#include <nlohmann/json.hpp>

#include "libdd/attest/privileged_event.hpp"
#include "libdd/core/json.hpp"
#include "libdd/crypto/digest.hpp"

namespace dd::cp {

LogTail::LogTail(std::int64_t length, const Digest384& head) : start_(length), heads_{head} {}

Result<void> LogTail::append(std::span<const std::string> events) {
  for (const auto& text : events) {
    const auto event = parse_json(text);
    if (!event) return wrap(event.error(), "cannot replay event " + std::to_string(length()));
    ObjectReader reader(*event, "$.log.events[" + std::to_string(length()) + "]");
    const auto index = reader.integer("index", 0, length() + 1'000'000);
    const auto type = reader.text("type");
    const bool privileged = attest::starts_privileged(reader);
    if (reader.error()) return tl::unexpected(*reader.error());
    if (index != length())
      return fail(ErrorCode::malformed, "cannot replay event log: index " + std::to_string(index) + " where " +
                                            std::to_string(length()) + " was expected");
    privileged_ = privileged_ || privileged;
    if (type == "workload") boot_workloads_.push_back(*event);
    heads_.push_back(crypto::extend(heads_.back(), crypto::sha384(as_bytes(text))));
  }
  return {};
}

const Digest384* LogTail::head_at(std::int64_t count) const noexcept {
  if (count < start_ || count > length()) return nullptr;
  return &heads_[static_cast<std::size_t>(count - start_)];
}

}  // namespace dd::cp
