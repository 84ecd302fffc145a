// How the facts of an event log and the values of a policy are spelled, so that equal things are equal texts. Private to libdd/attest.
#pragma once

#include <string>
#include <string_view>

namespace dd::attest {

/// `sha256:` and 64 lower-case hex digits.
[[nodiscard]] bool is_digest(std::string_view text);

/// cp_origin of docs/wire.md, 1: scheme://host[:port] in lower case, without a default port or anything behind it. Text only: what the log
/// says is compared, never dialled, so a text that is no URL stays one and equals no origin.
[[nodiscard]] std::string origin_of(std::string_view url);

}  // namespace dd::attest
