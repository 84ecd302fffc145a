#include "libdd/cli/up_vm.hpp"

#include <nlohmann/json.hpp>

#include "libdd/cli/private_file.hpp"
#include "libdd/core/json.hpp"

namespace dd::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSystemPath = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin";

Json environment_of(const Settings& settings) {
  Json list = Json::array();
  for (const auto& [name, value] : settings) list.push_back(name + "=" + value);
  return list;
}

}  // namespace

Result<Json> boot_workloads(const UpVm& vm, const UpPrograms& programs) {
  const auto& program = vm.role == "cp" ? programs.cp : programs.agent;
  Json workloads = Json::array();
  workloads.push_back(
      {{"app_name", "connector"}, {"role", "connector"}, {"cmd", {programs.ddctl.string(), "connector"}}});
  workloads.push_back({{"app_name", "dd-" + vm.role},
                       {"role", vm.role},
                       {"inherit_token", true},
                       {"cmd", {program.string()}},
                       {"env", environment_of(vm.settings)}});
  if (vm.extra_workloads.empty()) return workloads;
  const auto extra = parse_json(vm.extra_workloads);
  if (!extra) return wrap(extra.error(), "cannot use --boot");
  if (!extra->is_array()) return fail(ErrorCode::malformed, "cannot use --boot: want a JSON array of boot workloads");
  for (const auto& workload : *extra) workloads.push_back(workload);
  return workloads;
}

Result<UpPrograms> find_programs() {
  std::error_code failed;
  const auto self = fs::read_symlink("/proc/self/exe", failed);
  if (failed) return fail(ErrorCode::not_found, "cannot find this program's folder");
  const auto tools = self.parent_path();
  const auto build = tools.parent_path();
  UpPrograms programs{tools / "dd-enclave", tools / "dd-cp",
                      tools / "dd-agent",   self,
                      build / "examples",   build.parent_path() / "examples/workloads/hello/workload.json"};
  for (const auto& program : {programs.enclave, programs.cp, programs.agent})
    if (!fs::exists(program))
      return fail(ErrorCode::not_found, "cannot find " + program.string() + ": run ./dev build");
  return programs;
}

std::string search_path(const UpPrograms& programs) { return programs.examples.string() + ":" + kSystemPath; }

Result<Child> boot(const UpVm& vm, const UpPrograms& programs) {
  std::error_code failed;
  fs::create_directories(vm.directory, failed);
  // As a VM's own folders: to be walked through, not to be read.
  if (!failed)
    fs::permissions(vm.directory, fs::perms::owner_all | fs::perms::group_exec | fs::perms::others_exec, failed);
  if (failed) return fail(ErrorCode::unavailable, "cannot create " + vm.directory.string() + ": " + failed.message());
  const auto workloads = boot_workloads(vm, programs);
  if (!workloads) return tl::unexpected(workloads.error());
  const Json config = {{"socket_path", (vm.directory / "run" / "agent.sock").string()},
                       {"data_dir", (vm.directory / "data").string()},
                       {"boot_workloads", *workloads}};
  const auto config_file = vm.directory / "config.json";
  if (auto written = write_private_file(config_file, to_text(config)); !written) return tl::unexpected(written.error());
  const Child::Environment environment = {{"PATH", kSystemPath},
                                          {"DD_ENCLAVE_CONFIG", config_file.string()},
                                          {"DD_ENCLAVE_PATH", search_path(programs)},
                                          {"DD_SIMULATOR_FILE", vm.simulator_file.string()},
                                          {"DD_GITHUB_API_URL", vm.releases_api_url},
                                          {"DD_UID_BASE", std::to_string(vm.first_uid)}};
  return Child::start(programs.enclave, environment, vm.directory / "enclave.log");
}

}  // namespace dd::cli
