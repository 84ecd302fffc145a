#include "libdd/enclave/settings.hpp"

#include <map>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "dd/config.hpp"
#include "libdd/attest/trust_settings.hpp"
#include "tests/support/check_error.hpp"
#include "tests/support/temp_dir.hpp"

using namespace dd;
using namespace dd::enclave;

namespace {

EnclaveOptions options_with_file(const TempDir& folder, std::string_view text) {
  EnclaveOptions options;
  options.config_file = folder.write("config.json", text);
  return options;
}

}  // namespace

TEST_CASE("each variable of the runtime that decides whom it believes is a trust setting to the policy") {
  // As its boot event has them.
  const std::map<std::string, std::string> members = {{"DD_CA_FILE", "ca_file"},
                                                      {"DD_ENCLAVE_PATH", "search_path"},
                                                      {"DD_FETCH_PROGRAM", "fetch_program"},
                                                      {"DD_GITHUB_API_URL", "github_api_url"}};
  Config config;
  EnclaveOptions options;
  declare(config, options);
  std::size_t found = 0;
  for (const auto& variable : config.variables()) {
    CAPTURE(variable.name);
    const auto member = members.find(variable.name);
    CHECK((member != members.end()) == (variable.trust == Trust::setting));
    if (member == members.end()) continue;
    ++found;
    const Json event = {{member->second, "/elsewhere"}};
    ObjectReader boot(event, "$");
    CHECK(attest::runtime_trust_settings(event, "$.config", boot) == "runtime." + variable.name + "=/elsewhere");
  }
  CHECK(found == members.size());
}

TEST_CASE("without a word the runtime uses easyenclave's places") {
  const auto settings = settings_from({}).value();
  CHECK(settings.socket_path == "/var/lib/easyenclave/agent.sock");
  CHECK(settings.data_dir == "/var/lib/easyenclave");
  CHECK(settings.boot_workloads.empty());
}

TEST_CASE("the file is over the defaults and the environment over the file") {
  const TempDir folder;
  auto options = options_with_file(
      folder, R"({"socket_path":"/a/s","data_dir":"/a/d","boot_workloads":[{"app_name":"x","cmd":["y"]}]})");
  options.data_dir = "/b/d";
  const auto settings = settings_from(options).value();
  CHECK(settings.socket_path == "/a/s");
  CHECK(settings.data_dir == "/b/d");
  REQUIRE(settings.boot_workloads.size() == 1);
  CHECK(settings.boot_workloads[0].request.app_name == "x");

  options.boot_workloads = Secret("[]");
  CHECK(settings_from(options).value().boot_workloads.empty());
}

TEST_CASE("each start has a token of its own") {
  const auto one = settings_from({}).value();
  const auto two = settings_from({}).value();
  CHECK(one.token.reveal().size() == 64);
  CHECK_FALSE(one.token == two.token);
}

TEST_CASE("configuration that is not understood is refused by name") {
  const TempDir folder;
  const struct {
    const char* name;
    const char* file;
    const char* says;
  } cases[] = {
      {"no JSON", "{", "config.json"},
      {"unknown member", R"({"sockets":1})", "sockets"},
      {"wrong type", R"({"data_dir":5})", "$.data_dir"},
      {"relative folder", R"({"data_dir":"here"})", "EE_DATA_DIR"},
      {"relative socket", R"({"socket_path":"here"})", "EE_SOCKET_PATH"},
      {"workloads that are no list", R"({"boot_workloads":{}})", "EE_BOOT_WORKLOADS"},
      {"workload without a name", R"({"boot_workloads":[{"cmd":["x"]}]})", "$[0].app_name"},
      {"unknown member of a workload", R"({"boot_workloads":[{"app_name":"x","cmd":["x"],"restart":"no"}]})",
       "restart"},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    const auto settings = settings_from(options_with_file(folder, c.file));
    REQUIRE_FALSE(settings.has_value());
    CHECK(settings.error().message.find(c.says) != std::string::npos);
  }
}

TEST_CASE("a configuration file that was named must be there, and be a file") {
  const TempDir folder;
  for (const std::string path : {"/nonexistent/config.json", folder.path().c_str()}) {
    CAPTURE(path);
    EnclaveOptions options;
    options.config_file = path;
    const auto settings = settings_from(options);
    REQUIRE_FALSE(settings.has_value());
    CHECK(settings.error().code == ErrorCode::invalid_argument);
    CHECK(settings.error().message.starts_with("cannot use DD_ENCLAVE_CONFIG: cannot read " + path));
  }
}

TEST_CASE("durations that cannot work are refused by their variable's names") {
  EnclaveOptions options;
  options.fetch_timeout = {};
  test::check_error(settings_from(options), ErrorCode::invalid_argument, {}, "cannot use DD_FETCH_TIMEOUT: ");
  options = {};
  options.stop_grace = -std::chrono::seconds(1);
  test::check_error(settings_from(options), ErrorCode::invalid_argument, {}, "cannot use DD_STOP_GRACE: ");
}

TEST_CASE("a socket path that the kernel cannot hold is refused") {
  EnclaveOptions options;
  options.socket_path = "/" + std::string(107, 's');
  CHECK_FALSE(settings_from(options).has_value());
  options.socket_path = "/" + std::string(106, 's');
  CHECK(settings_from(options).has_value());
}
