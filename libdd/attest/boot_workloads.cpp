#include "libdd/attest/boot_workloads.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "libdd/attest/fact_text.hpp"
#include "libdd/attest/loader_variables.hpp"
#include "libdd/attest/trust_settings.hpp"
#include "libdd/crypto/canonical_json.hpp"
#include "libdd/crypto/digest.hpp"

namespace dd::attest {
namespace {

constexpr std::string_view kCommitment = "hmac-sha256:";

bool is_commitment(const Json& value) {
  return value.is_string() && value.get_ref<const std::string&>().starts_with(kCommitment);
}

std::string text_of(const Json& value) { return value.is_string() ? value.get<std::string>() : to_text(value); }

/// What is run besides the program itself; the mode word of our own programs says no more than the role.
std::string arguments_in(const Json& event, const std::string& role) {
  const auto cmd = event.find("cmd");
  if (cmd == event.end() || !cmd->is_array() || cmd->size() < 2) return {};
  const Json arguments(cmd->begin() + 1, cmd->end());
  return arguments == Json::array({role}) ? "" : to_text(arguments);
}

}  // namespace

Result<std::string> boot_workload(const Json& event) {
  auto shape = event;
  const auto name = text_of(shape.value("app_name", Json("")));
  const auto digest = text_of(shape.value("digest", Json("")));
  shape.erase("index");
  shape.erase("digest");
  if (const auto env = shape.find("env"); env != shape.end() && env->is_object())
    for (auto& [variable, value] : env->items())
      if (is_commitment(value)) value = nullptr;
  const auto canonical = crypto::canonical_json(shape);
  if (!canonical) return tl::unexpected(canonical.error());
  return name + " " + digest + " sha256:" + to_hex(crypto::sha256(as_bytes(*canonical)));
}

Result<void> add_trust_settings(const std::string& more, LogFacts& facts) {
  if (more.empty()) return {};
  if (facts.trust_settings == "default") facts.trust_settings.clear();
  facts.trust_settings += (facts.trust_settings.empty() ? "" : " ") + more;
  if (facts.trust_settings.size() <= kMostTrustSettings) return {};
  return fail(ErrorCode::malformed,
              "cannot keep trust settings: over " + std::to_string(kMostTrustSettings) + " bytes");
}

Result<void> add_boot_workload(const Json& event, LogFacts& facts) {
  if (text_of(event.value("role", Json(""))) == "agent")
    return add_trust_settings(boot_workload_trust_settings(event), facts);
  auto workload = boot_workload(event);
  if (!workload) return tl::unexpected(workload.error());
  if (std::ranges::find(facts.boot_workloads, *workload) != facts.boot_workloads.end()) return {};
  if (workload->size() > kMostBootWorkloadBytes || facts.boot_workloads.size() >= kMostBootWorkloads)
    return fail(ErrorCode::malformed, "cannot keep boot workload: too long, or one of too many");
  facts.boot_workloads.push_back(*std::move(workload));
  return add_trust_settings(boot_workload_trust_settings(event), facts);
}

bool is_boot_workload(std::string_view text) {
  const auto name_end = text.find(' ');
  const auto digest_end = text.find(' ', name_end + 1);
  return name_end != std::string_view::npos && name_end > 0 && digest_end != std::string_view::npos &&
         is_digest(text.substr(name_end + 1, digest_end - name_end - 1)) && is_digest(text.substr(digest_end + 1));
}

std::string boot_workload_trust_settings(const Json& event) {
  const auto role = text_of(event.value("role", Json("")));
  const auto name = text_of(event.value("app_name", Json("")));
  std::string found;
  const auto add = [&](const std::string& what, const std::string& value) {
    found += (found.empty() ? "" : " ") + trust_setting(name + "." + what, value);
  };
  const bool is_platform = role == "agent" || role == "connector";
  if (is_platform)
    if (const auto arguments = arguments_in(event, role); !arguments.empty()) add("cmd", arguments);
  const auto env = event.find("env");
  if (role == "agent" || env == event.end() || !env->is_object()) return found;
  for (const auto& [variable, value] : env->items())
    if (chooses_code(variable)) add(variable, is_commitment(value) ? "?" : text_of(value));
  return found;
}

}  // namespace dd::attest
