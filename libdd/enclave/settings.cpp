#include "libdd/enclave/settings.hpp"

#include <sys/un.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "dd/config.hpp"
#include "libdd/core/config_values.hpp"
#include "libdd/core/json.hpp"
#include "libdd/core/text_file.hpp"
#include "libdd/enclave/fetch_helper.hpp"
#include "libdd/enclave/uid_pool.hpp"
#include "libdd/net/url.hpp"

namespace dd {

void declare(Config& config, EnclaveOptions& options) {
  config.path(
      "DD_ENCLAVE_CONFIG", Trust::none, options.config_file,
      "Configuration file, a JSON object with socket_path, data_dir and boot_workloads; variables win over it.");
  config.path("EE_SOCKET_PATH", Trust::none, options.socket_path,
              "The workload socket; without it /var/lib/easyenclave/agent.sock.");
  config.path("EE_DATA_DIR", Trust::none, options.data_dir,
              "Store of executables and work directories of workloads; without it /var/lib/easyenclave.");
  config.secret("EE_BOOT_WORKLOADS", Trust::rule, options.boot_workloads,
                "JSON array of the workloads to start at boot.");
  config.text("DD_ENCLAVE_PATH", Trust::setting, options.search_path,
              "Where programs are looked up, and the PATH of workloads.");
  config.path("DD_SIMULATOR_FILE", Trust::rule, options.simulator_file,
              "Make simulated evidence from this file (builds with -Dsimulation=true only).");
  config.integer("DD_UID_BASE", Trust::none, options.uid_base, 1000, 2'000'000'000,
                 "First of the 1000 uids that workloads get when the runtime is root.");
  config.text("DD_GITHUB_API_URL", Trust::setting, options.github_api_url,
              "GitHub API that releases are fetched from.");
  config.secret("EE_GITHUB_TOKEN", Trust::none, options.github_token,
                "Token for private releases and GitHub's higher rate limit.");
  config.path("DD_CA_FILE", Trust::setting, options.ca_file,
              "PEM file of the only authorities to trust for releases; without it the system's.");
  config.duration("DD_FETCH_TIMEOUT", Trust::none, options.fetch_timeout, "For downloading and unpacking one release.");
  config.path("DD_FETCH_PROGRAM", Trust::setting, options.fetch_program,
              "The helper that fetches; without it dd-fetch beside dd-enclave, else where it is installed.");
  config.duration("DD_STOP_GRACE", Trust::none, options.stop_grace, "From SIGTERM to SIGKILL of a workload.");
}

}  // namespace dd

namespace dd::enclave {
namespace {

constexpr const char* kDefaultSocket = "/var/lib/easyenclave/agent.sock";
constexpr const char* kDefaultData = "/var/lib/easyenclave";
constexpr std::size_t kMaxConfigFile = 1024 * 1024;

struct ConfigFile {
  std::string socket_path;
  std::string data_dir;
  std::string boot_workloads;  // JSON text
};

Result<ConfigFile> parse_config_file(std::string_view text, const std::string& what) {
  const auto parsed = parse_json(text);
  if (!parsed) return wrap(parsed.error(), what);
  ObjectReader reader(*parsed, "$");
  ConfigFile file;
  file.socket_path = reader.optional_text("socket_path").value_or("");
  file.data_dir = reader.optional_text("data_dir").value_or("");
  const auto* workloads = reader.find("boot_workloads");
  reader.refuse_unknown();
  if (reader.error()) return wrap(*reader.error(), what);
  if (workloads != nullptr) file.boot_workloads = to_text(*workloads);
  return file;
}

Result<ConfigFile> read_config_file(const std::filesystem::path& path) {
  const auto what = "cannot read configuration file " + path.string();
  const auto text = read_text_file(path, kMaxConfigFile);
  if (text) return parse_config_file(*text, what);
  if (text.error().code == ErrorCode::not_found && path == EnclaveOptions{}.config_file) return ConfigFile{};
  return fail(ErrorCode::invalid_argument, "cannot use DD_ENCLAVE_CONFIG: " + text.error().message);
}

std::string first_of(const std::string& option, const std::string& file, const char* otherwise) {
  if (!option.empty()) return option;
  return file.empty() ? otherwise : file;
}

Result<void> check_paths(const Settings& settings) {
  if (!settings.data_dir.is_absolute())
    return fail(ErrorCode::invalid_argument,
                "cannot use EE_DATA_DIR " + settings.data_dir.string() + ": want an absolute path");
  const auto& socket = settings.socket_path.native();
  if (!settings.socket_path.is_absolute() || socket.size() >= sizeof(sockaddr_un::sun_path))
    return fail(ErrorCode::invalid_argument,
                "cannot use EE_SOCKET_PATH " + socket + ": want an absolute path of at most 107 bytes");
  return {};
}

std::string without_slash(std::string url) {
  while (url.ends_with('/')) url.pop_back();
  return url;
}

Secret new_token(Random& random) {
  Digest256 bytes{};
  random.fill(bytes);
  return Secret(to_hex(bytes));
}

}  // namespace

Result<Settings> settings_from(const EnclaveOptions& options) {
  const auto file = read_config_file(options.config_file);
  if (!file) return tl::unexpected(file.error());

  if (auto good = config_values::check_durations({{"DD_FETCH_TIMEOUT", options.fetch_timeout},
                                                  {"DD_STOP_GRACE", options.stop_grace, std::chrono::milliseconds(0)}});
      !good)
    return tl::unexpected(std::move(good).error());

  Settings settings;
  settings.socket_path = first_of(options.socket_path.string(), file->socket_path, kDefaultSocket);
  settings.data_dir = first_of(options.data_dir.string(), file->data_dir, kDefaultData);
  if (const auto good = check_paths(settings); !good) return tl::unexpected(good.error());
  const auto workloads = first_of(std::string(options.boot_workloads.reveal()), file->boot_workloads, "[]");
  auto parsed = parse_boot_workloads(workloads);
  if (!parsed)
    return wrap(parsed.error(),
                "cannot read boot workloads (EE_BOOT_WORKLOADS, or boot_workloads of the configuration file)");
  settings.boot_workloads = *std::move(parsed);

  // Fetched tools come last: none takes the place of a program of the system.
  settings.search_path = options.search_path + ":" + (settings.data_dir / "bin").string();
  settings.github_api_url = without_slash(options.github_api_url);
  if (const auto url = net::parse_url(settings.github_api_url); !url)
    return wrap(url.error(), "cannot use DD_GITHUB_API_URL " + settings.github_api_url);
  settings.github_token = options.github_token;
  settings.ca_file = options.ca_file;
  settings.fetch_timeout = options.fetch_timeout;
  settings.other_fetch_program = options.fetch_program;
  settings.fetch_program = options.fetch_program.empty() ? find_fetch_program() : options.fetch_program;
  settings.simulator_file = options.simulator_file;
  settings.uid_base = static_cast<uid_t>(options.uid_base);
  settings.stop_grace = options.stop_grace;
  settings.uid_per_workload = geteuid() == 0;
  settings.clock = options.clock != nullptr ? options.clock : &system_clock();
  settings.random = options.random != nullptr ? options.random : &system_random();
  settings.token = new_token(*settings.random);
  return settings;
}

std::set<std::string> boot_names(const Settings& settings) {
  std::set<std::string> names;
  for (const auto& workload : settings.boot_workloads) names.insert(workload.request.app_name);
  return names;
}

}  // namespace dd::enclave
