#include "libdd/cli/up_policy.hpp"

#include <optional>
#include <vector>

#include <nlohmann/json.hpp>

#include "libdd/attest/boot_workloads.hpp"
#include "libdd/attest/policy_file.hpp"
#include "libdd/attest/simulated/simulator.hpp"
#include "libdd/attest/trust_settings.hpp"
#include "libdd/core/json.hpp"
#include "libdd/crypto/digest.hpp"
#include "libdd/protocol/workload_event.hpp"

namespace dd::cli {
namespace {

namespace fs = std::filesystem;

/// As the runtime finds programs; empty when it is nowhere.
fs::path found(const std::string& program, const std::string& path) {
  if (program.find('/') != std::string::npos) return fs::path(program);
  for (std::size_t begin = 0; begin <= path.size();) {
    const auto end = std::min(path.find(':', begin), path.size());
    const auto file = fs::path(path.substr(begin, end - begin)) / program;
    std::error_code ignored;
    if (fs::exists(file, ignored)) return file;
    begin = end + 1;
  }
  return {};
}

/// As a policy names them; nothing when it cannot.
Result<std::optional<std::vector<std::string>>> booted(const UpPrograms& programs, const std::string& extra_workloads) {
  UpVm vm;
  vm.role = "agent";
  vm.extra_workloads = extra_workloads;
  const auto listed = boot_workloads(vm, programs);
  if (!listed) return tl::unexpected(listed.error());
  const auto workloads = parse_boot_workloads(to_text(*listed));
  if (!workloads) return wrap(workloads.error(), "cannot use --boot");
  std::vector<std::string> names;
  for (const auto& workload : *workloads) {
    if (workload.role == BootWorkload::Role::agent) continue;
    if (workload.request.github_release || workload.request.cmd.empty())
      return std::optional<std::vector<std::string>>();
    const auto program = found(workload.request.cmd.front(), search_path(programs));
    // What is not there does not boot, and the VM's log says so.
    if (program.empty()) continue;
    const auto digest = digest_of(program);
    if (!digest) return tl::unexpected(digest.error());
    auto event = protocol::workload_event(workload.request, *digest, {});
    protocol::add_boot_members(event, {workload.role, workload.inherit_token, workload.listen});
    auto name = attest::boot_workload(event);
    if (!name) return tl::unexpected(name.error());
    names.push_back(*std::move(name));
  }
  return std::optional(std::move(names));
}

}  // namespace

Result<std::string> digest_of(const fs::path& file) {
  const auto digest = crypto::sha256_file(file.c_str());
  if (!digest) return tl::unexpected(digest.error());
  return "sha256:" + to_hex(*digest);
}

Result<std::string> up_policy(const UpPrograms& programs, const UpServices& services, const std::string& cp_url,
                              const std::string& extra_workloads) {
  attest::PolicyValues values;
  const fs::path files[] = {programs.enclave, programs.agent, programs.ddctl};
  std::vector<std::string>* const digests[] = {&values.runtime_digest, &values.agent_digest, &values.connector_digest};
  for (std::size_t i = 0; i < std::size(files); ++i) {
    auto digest = digest_of(files[i]);
    if (!digest) return tl::unexpected(digest.error());
    digests[i]->push_back(*std::move(digest));
  }
  const auto measured = attest::simulated_measurements(values.runtime_digest.front());
  values.mrtd = {measured.mrtd};
  for (std::size_t i = 0; i < values.rtmr.size(); ++i) values.rtmr[i] = {measured.rtmr[i]};
  values.simulated = true;
  values.owner_id = std::to_string(kUpOwnerId);
  values.cp_origin = cp_url;
  // Here GitHub and the edge are our own, and so are the examples.
  values.trust_settings = {attest::trust_setting("runtime.DD_ENCLAVE_PATH", search_path(programs)) + " " +
                           attest::trust_setting("runtime.DD_GITHUB_API_URL", services.releases_api_url()) + " " +
                           attest::trust_setting("DD_EDGE_URL", services.edge_url()) + " " +
                           attest::trust_setting("DD_GITHUB_API_URL", services.github_api_url())};
  auto boots = booted(programs, extra_workloads);
  if (!boots) return tl::unexpected(boots.error());
  values.boot_workloads = *std::move(boots);
  return attest::policy_file(values);
}

}  // namespace dd::cli
