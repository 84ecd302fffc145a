// Property: a policy that is read says again what it said, and none accepts a revoked platform or a genuine TD that its host can debug.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include <nlohmann/json.hpp>

#include "dd/policy.hpp"

namespace {

void check(bool property) {
  if (!property) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto policy = dd::Policy::parse(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!policy) return 0;
  const auto written = policy->to_json_value();
  const auto again = dd::Policy::parse(written.dump());
  check(again && again->to_json_value() == written && !again->is_tofu());

  const dd::LogFacts facts;
  dd::TdxClaims revoked;
  revoked.tcb_status = "Revoked";
  check(!policy->appraise(revoked, facts).accepted);
  dd::TdxClaims debug;
  debug.tcb_status = "UpToDate";
  debug.report.td_attributes = 1;
  const auto verdict = policy->appraise(debug, facts);
  check(!verdict.accepted && verdict.summary().find("debug is true") != std::string::npos);
  return 0;
}
