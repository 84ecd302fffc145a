#include "libdd/attest/policy_file.hpp"

#include <nlohmann/json.hpp>

#include "dd/policy.hpp"
#include "libdd/core/text_file.hpp"

namespace dd::attest {
namespace {

using nlohmann::json;

std::vector<std::string> hex_of(const std::vector<Measurement>& measurements) {
  std::vector<std::string> out;
  for (const auto& measurement : measurements) out.push_back(to_hex(measurement));
  return out;
}

}  // namespace

Result<std::string> policy_file(const PolicyValues& values) {
  auto rules = json::object();
  const auto allow = [&rules](const std::string& rule, std::vector<std::string> texts) {
    rules[rule] = {{"allow", std::move(texts)}, {"mode", "enforce"}};
  };
  allow("mrtd", hex_of(values.mrtd));
  for (std::size_t i = 0; i < values.rtmr.size(); ++i) allow("rtmr" + std::to_string(i), hex_of(values.rtmr[i]));
  allow("tcb_status", values.tcb_status);
  allow("debug", {values.simulated ? "true" : "false"});
  allow("agent_digest", values.agent_digest);
  allow("connector_digest", values.connector_digest);
  allow("owner_id", {values.owner_id});
  allow("cp_origin", {values.cp_origin});
  if (!values.runtime_digest.empty()) allow("runtime_digest", values.runtime_digest);
  if (!values.trust_settings.empty()) allow("trust_settings", values.trust_settings);
  if (!values.boundary.empty()) allow("boundary", values.boundary);
  if (!values.privileged.empty()) allow("privileged", values.privileged);
  if (values.boot_workloads) allow("boot_workloads", *values.boot_workloads);

  // A file may do that, to shut a fleet; who writes one from values has forgotten something.
  for (const auto& [name, rule] : rules.items())
    if (rule["allow"].empty() && name != "boot_workloads")
      return fail(ErrorCode::invalid_argument, "cannot write policy: " + name + " would allow nothing");
  auto text =
      json{{"version", 1}, {"rules", std::move(rules)}}.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
  if (const auto parsed = Policy::parse(text); !parsed) return wrap(parsed.error(), "cannot write policy");
  return text;
}

Result<std::string> read_policy_file(const std::string& path) {
  constexpr std::size_t most = 1024 * 1024;
  auto text = read_text_file(path, most);
  if (!text) return fail(ErrorCode::invalid_argument, "cannot use DD_POLICY: " + text.error().message);
  return text;
}

}  // namespace dd::attest
