#include "libdd/attest/trust_settings.hpp"

#include <filesystem>

#include <nlohmann/json.hpp>

namespace dd::attest {
namespace {

constexpr std::string_view kGithubApi = "https://api.github.com";

void add_setting(std::string& settings, std::string_view name, std::string_view value) {
  settings += (settings.empty() ? "" : " ") + trust_setting(name, value);
}

/// Our own variables that say where GitHub, the edge and the connector are and which authorities TLS trusts, and every variable that is not
/// ours: the loader and OpenSSL read some of those.
bool decides_whom_to_believe(std::string_view name) {
  if (!name.starts_with("DD_") && !name.starts_with("EE_")) return true;
  return name == "DD_CA_FILE" || name == "DD_CONNECTOR" || name == "DD_EDGE_URL" || name == "DD_GITHUB_API_URL";
}

}  // namespace

std::string trust_setting(std::string_view name, std::string_view value) {
  auto text = std::string(name) + "=";
  for (const char c : value) text += c == ' ' ? "%20" : c == '%' ? "%25" : std::string(1, c);
  return text;
}

std::string runtime_trust_settings(const Json& config, const std::string& path, ObjectReader& boot) {
  ObjectReader reader(config, path);
  auto search_path = reader.optional_text("search_path").value_or(std::string(kUsualSearchPath));
  // Where fetched programs are comes behind the rest of the path, always.
  const std::filesystem::path data_dir = reader.optional_text("data_dir").value_or("");
  const auto fetched = ":" + (data_dir / "bin").string();
  if (search_path.ends_with(fetched)) search_path.resize(search_path.size() - fetched.size());
  const auto ca_file = reader.optional_text("ca_file").value_or("");
  const auto fetch_program = reader.optional_text("fetch_program").value_or("");
  const auto github = reader.optional_text("github_api_url").value_or(std::string(kGithubApi));
  if (reader.error()) boot.problem(*reader.error());
  std::string found;
  if (!ca_file.empty()) add_setting(found, "runtime.DD_CA_FILE", ca_file);
  if (search_path != kUsualSearchPath) add_setting(found, "runtime.DD_ENCLAVE_PATH", search_path);
  if (!fetch_program.empty()) add_setting(found, "runtime.DD_FETCH_PROGRAM", fetch_program);
  if (github != kGithubApi) add_setting(found, "runtime.DD_GITHUB_API_URL", github);
  return found;
}

std::string agent_trust_settings(const Json& env) {
  std::string found;
  for (const auto& [name, value] : env.items()) {
    const auto text = value.is_string() ? value.get<std::string>() : to_text(value);
    const bool usual = text.empty() || (name == "DD_GITHUB_API_URL" && text == kGithubApi);
    if (!usual && decides_whom_to_believe(name)) add_setting(found, name, text);
  }
  return found;
}

}  // namespace dd::attest
