#include "libdd/cli/fleet_context.hpp"

#include <nlohmann/json.hpp>

#include "dd/config.hpp"
#include "libdd/cli/private_file.hpp"
#include "libdd/core/json.hpp"
#include "libdd/core/secret_file.hpp"
#include "libdd/core/text_file.hpp"

namespace dd::cli {
namespace {

namespace fs = std::filesystem;

struct Environment {
  FleetContext fleet;
  fs::path context;
  fs::path state_home;
  fs::path home;
};

void declare(Config& config, Environment& found) {
  config.text("DD_CP_URL", Trust::setting, found.fleet.cp_url, "control plane to talk to");
  config.text("DD_EDGE_URL", Trust::setting, found.fleet.edge_url, "connect here and keep the Host header");
  config.secret("DD_PAT", Trust::none, found.fleet.credential, "GitHub PAT of somebody who acts for the fleet's owner");
  config.path("DD_CA_FILE", Trust::setting, found.fleet.ca_file, "PEM file of the only authorities to trust");
  config.text("DD_ITA_ISSUER", Trust::setting, found.fleet.ita_issuer, "issuer of Intel Trust Authority tokens");
  config.text("DD_ITA_JWKS_URL", Trust::setting, found.fleet.ita_jwks_url, "its key set");
  config.path("DD_CONTEXT", Trust::setting, found.context, "context file");
  config.path("XDG_STATE_HOME", Trust::none, found.state_home, "state directory");
  config.path("HOME", Trust::none, found.home, "home directory");
}

Result<Environment> read_environment() {
  Environment found;
  found.fleet.ita_issuer.clear();
  found.fleet.ita_jwks_url.clear();
  Config config;
  declare(config, found);
  if (auto loaded = config.load_environment(); !loaded) return tl::unexpected(loaded.error());
  return found;
}

fs::path context_path(const Environment& environment) {
  if (!environment.context.empty()) return environment.context;
  const auto state = environment.state_home.empty() ? environment.home / ".local" / "state" : environment.state_home;
  return state / "dd" / "fleet.json";
}

constexpr std::size_t kMaxContext = 64 * 1024;

Result<FleetContext> read_context(const fs::path& file) {
  const auto text = read_text_file(file, kMaxContext);
  if (!text && text.error().code == ErrorCode::not_found) return FleetContext();
  if (!text) return tl::unexpected(text.error());
  const auto value = parse_json(*text);
  if (!value) return wrap(value.error(), "cannot read " + file.string());
  FleetContext context;
  ObjectReader reader(*value, "$");
  context.cp_url = reader.text("cp_url");
  context.edge_url = reader.text("edge_url");
  context.credential = Secret(reader.text("credential"));
  context.ita_issuer = reader.text("ita_issuer");
  context.ita_jwks_url = reader.text("ita_jwks_url");
  context.simulated = reader.boolean("simulated", false);
  reader.refuse_unknown();
  if (reader.error()) return wrap(*reader.error(), "cannot read " + file.string());
  return context;
}

template <class T>
void prefer(const T& chosen, T& target) {
  if (!chosen.empty()) target = chosen;
}

}  // namespace

std::string environment_markdown() {
  Environment defaults;
  Config config;
  declare(config, defaults);
  return config.markdown();
}

Result<fs::path> context_file() {
  const auto environment = read_environment();
  if (!environment) return tl::unexpected(environment.error());
  return context_path(*environment);
}

Result<FleetContext> load_context(const FleetFlags& flags) {
  const auto environment = read_environment();
  if (!environment) return tl::unexpected(environment.error());
  const auto& from = environment->fleet;
  // Another fleet is meant: nothing of the local one may leak into it.
  const bool elsewhere = !flags.cp_url.empty() || !from.cp_url.empty();
  auto context = elsewhere ? Result<FleetContext>(FleetContext()) : read_context(context_path(*environment));
  if (!context) return context;
  prefer(from.cp_url, context->cp_url);
  prefer(from.edge_url, context->edge_url);
  prefer(from.credential, context->credential);
  prefer(from.ca_file, context->ca_file);
  prefer(from.ita_issuer, context->ita_issuer);
  prefer(from.ita_jwks_url, context->ita_jwks_url);
  prefer(flags.cp_url, context->cp_url);
  if (!flags.pat_file.empty()) {
    auto credential = read_secret_file(flags.pat_file);
    if (!credential) return wrap(credential.error(), "cannot use --pat-file");
    context->credential = *std::move(credential);
  }
  if (context->cp_url.empty())
    return fail(
        ErrorCode::invalid_argument,
        "cannot find a fleet: none runs here (`ddctl up` starts one); else set --cp or DD_CP_URL, and DD_PAT_FILE");
  return context;
}

Result<FleetClient> connect(const FleetContext& context) {
  FleetClientOptions options;
  options.cp_url = context.cp_url;
  options.edge_url = context.edge_url;
  options.credential = context.credential;
  options.ca_file = context.ca_file;
  return FleetClient::create(std::move(options));
}

Result<void> write_context(const fs::path& file, const FleetContext& context) {
  const Json value = {{"cp_url", context.cp_url},
                      {"edge_url", context.edge_url},
                      {"credential", std::string(context.credential.reveal())},
                      {"ita_issuer", context.ita_issuer},
                      {"ita_jwks_url", context.ita_jwks_url},
                      {"simulated", context.simulated}};
  std::error_code failed;
  fs::create_directories(file.parent_path(), failed);
  if (failed)
    return fail(ErrorCode::unavailable, "cannot create " + file.parent_path().string() + ": " + failed.message());
  return write_private_file(file, to_text(value));
}

}  // namespace dd::cli
