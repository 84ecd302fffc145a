// A stretch of an event log of any permitted length: pages of a poll are short, evidence carries the whole.
#pragma once

#include <string>

#include "libdd/core/json.hpp"
#include "libdd/protocol/health.hpp"

namespace dd::protocol {

/// Errors: malformed or invalid_argument, also when the events would not fit between `from` and `total`.
[[nodiscard]] Result<LogPage> read_log(const Json& value, const std::string& path, std::size_t most_events);

/// The member `name` of a message.
[[nodiscard]] LogPage read_log_member(ObjectReader& reader, const char* name, std::size_t most_events);

}  // namespace dd::protocol
