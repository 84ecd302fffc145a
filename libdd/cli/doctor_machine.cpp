#include <sys/utsname.h>
#include <unistd.h>

#include <charconv>
#include <filesystem>
#include <utility>

#include "dd/enclave.hpp"
#include "libdd/cli/doctor.hpp"

namespace dd::cli {
namespace {

namespace fs = std::filesystem;

/// Where dd-enclave looks programs up.
bool has_program(const std::string& name) {
  const std::string path = EnclaveOptions{}.search_path;
  for (std::size_t from = 0; from <= path.size();) {
    const auto to = std::min(path.find(':', from), path.size());
    if (access((path.substr(from, to - from) + "/" + name).c_str(), X_OK) == 0) return true;
    from = to + 1;
  }
  return false;
}

bool exists(const char* path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

/// Major and minor of "6.16.3-cloud"; zeros for what is no number.
std::pair<int, int> version_of(std::string_view kernel) {
  int major = 0;
  int minor = 0;
  const auto* end = kernel.data() + kernel.size();
  const auto first = std::from_chars(kernel.data(), end, major);
  if (first.ec == std::errc() && first.ptr != end && *first.ptr == '.') std::from_chars(first.ptr + 1, end, minor);
  return {major, minor};
}

Check check_evidence(const MachineFacts& facts) {
  if (facts.tsm_reports) return {Health::good, "TDX evidence", "configfs-tsm offers quotes", {}};
  if (version_of(facts.kernel) < std::pair(6, 7))
    return {Health::bad, "TDX evidence", "Linux " + facts.kernel + " has no configfs-tsm", "boot Linux 6.7 or newer"};
  if (!facts.configfs)
    return {Health::bad, "TDX evidence", "configfs is not mounted", "mount -t configfs none /sys/kernel/config"};
  return {Health::bad, "TDX evidence", "/sys/kernel/config/tsm/report is not there",
          "run this in a TDX guest with the tdx_guest module; elsewhere only a simulated fleet works (ddctl up)"};
}

}  // namespace

MachineFacts read_machine() {
  MachineFacts facts;
  utsname name{};
  if (uname(&name) == 0) facts.kernel = name.release;
  facts.tsm_reports = exists("/sys/kernel/config/tsm/report");
  std::error_code unreadable;
  const bool empty = fs::is_empty("/sys/kernel/config", unreadable);
  facts.configfs = facts.tsm_reports || (!unreadable && !empty);
  facts.rtmr_sysfs = exists("/sys/class/misc/tdx_guest/measurements/rtmr3:sha384");
  facts.root = geteuid() == 0;
  facts.connector = has_program("cloudflared");
  facts.podman = has_program("podman");
  return facts;
}

std::vector<Check> check_machine(const MachineFacts& facts) {
  std::vector<Check> checks{check_evidence(facts)};
  if (facts.rtmr_sysfs)
    checks.push_back({Health::good, "RTMR3", "the kernel extends it", {}});
  else
    checks.push_back({Health::doubtful, "RTMR3", "this kernel (" + facts.kernel + ") does not let it be extended",
                      "Linux 6.16 or newer; without it the event log is bound by report data alone"});
  if (facts.root)
    checks.push_back({Health::good, "boundary", "root: each workload gets a uid of its own", {}});
  else
    checks.push_back({Health::doubtful, "boundary", "not root: all workloads share one uid", "run dd-enclave as root"});
  if (facts.connector)
    checks.push_back({Health::good, "connector", "cloudflared is there", {}});
  else
    checks.push_back({Health::bad, "connector", "no cloudflared in " + EnclaveOptions{}.search_path,
                      "install cloudflared; its digest belongs into the policy (connector_digest)"});
  if (facts.podman)
    checks.push_back({Health::good, "containers", "podman is there", {}});
  else
    checks.push_back(
        {Health::doubtful, "containers", "no podman: only plain programs can be deployed", "install podman"});
  return checks;
}

}  // namespace dd::cli
