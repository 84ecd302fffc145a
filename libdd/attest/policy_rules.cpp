#include "libdd/attest/policy_rules.hpp"

#include <algorithm>
#include <array>

#include "libdd/attest/boot_workloads.hpp"
#include "libdd/attest/fact_text.hpp"
#include "libdd/attest/tcb_status.hpp"

namespace dd::attest {
namespace {

constexpr std::size_t kMeasurementDigits = 96;
constexpr std::size_t kMaxIdDigits = 19;  // a GitHub id is a 64-bit number

bool only(std::string_view text, std::string_view characters) {
  return text.find_first_not_of(characters) == std::string_view::npos;
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return out;
}

bool measurement(std::string_view text) {
  return text.size() == kMeasurementDigits && only(lower(text), "0123456789abcdef");
}
bool digest(std::string_view text) { return is_digest(lower(text)); }
bool yes_or_no(std::string_view text) { return text == "true" || text == "false"; }
bool boundary(std::string_view text) { return text == "uid" || text == "none"; }
bool settings(std::string_view text) { return text == "default" || text.find('=') != std::string_view::npos; }
bool owner_id(std::string_view text) {
  return !text.empty() && text.size() <= kMaxIdDigits && text.front() != '0' && only(text, "0123456789");
}
bool origin(std::string_view text) {
  return (text.starts_with("https://") || text.starts_with("http://")) && text.find("//") + 2 < text.size() &&
         origin_of(text) == text;
}

constexpr const char* kMeasurement = "96 hex digits";
constexpr const char* kDigest = "sha256: and 64 hex digits";

constexpr std::array kKinds = {
    RuleKind{"mrtd", true, measurement, kMeasurement},
    RuleKind{"rtmr0", true, measurement, kMeasurement},
    RuleKind{"rtmr1", true, measurement, kMeasurement},
    RuleKind{"rtmr2", true, measurement, kMeasurement},
    RuleKind{"tcb_status", true, acceptable_tcb_status, "a TCB status of Intel's, and never Revoked"},
    RuleKind{"debug", true, yes_or_no, "\"true\" or \"false\""},
    RuleKind{"agent_digest", true, digest, kDigest},
    RuleKind{"connector_digest", true, digest, kDigest},
    RuleKind{"owner_id", true, owner_id, "a numeric id"},
    RuleKind{"cp_origin", true, origin, "scheme://host[:port] in lower case, without a default port"},
    RuleKind{"mrseam", false, measurement, kMeasurement},
    RuleKind{"platform_id", false, measurement, kMeasurement},
    RuleKind{"runtime_digest", false, digest, kDigest},
    RuleKind{"boundary", false, boundary, "\"uid\" or \"none\""},
    RuleKind{"privileged", false, yes_or_no, "\"true\" or \"false\""},
    RuleKind{"boot_workloads", false, is_boot_workload, "NAME sha256:… sha256:…, as ddctl policy from-vm prints it"},
    RuleKind{"trust_settings", false, settings, "\"default\", or NAME=value pairs with blanks between them", "default"},
};

}  // namespace

std::span<const RuleKind> rule_kinds() { return kKinds; }

Result<std::string> rule_value(const RuleKind& kind, std::string_view text) {
  if (!kind.accepts(text)) return fail(ErrorCode::invalid_argument, "want " + std::string(kind.expected));
  return kind.accepts == measurement || kind.accepts == digest ? lower(text) : std::string(text);
}

}  // namespace dd::attest
