#include <unistd.h>

#include <filesystem>

#include <nlohmann/json.hpp>

#include "libdd/attest/policy_file.hpp"
#include "libdd/cli/doctor.hpp"
#include "libdd/core/json.hpp"
#include "libdd/identity/owner_lookup.hpp"
#include "libdd/jwks/key_set.hpp"
#include "libdd/net/http_client.hpp"
#include "libdd/tunnel/cloudflare.hpp"
#include "libdd/tunnel/cloudflare_envelope.hpp"

namespace dd::cli {
namespace {

Check check_policy(const ControlPlaneOptions& options) {
  if (options.policy == "tofu")
    return {Health::doubtful, "policy", "tofu: the first to come under a VM name is trusted", "write a policy file"};
  const auto text = attest::read_policy_file(options.policy);
  if (!text) return {Health::bad, "policy", text.error().message, "set DD_POLICY to a readable policy file"};
  if (const auto policy = Policy::parse(*text); !policy)
    return {Health::bad, "policy", policy.error().message, "correct " + options.policy};
  return {Health::good, "policy", options.policy, {}};
}

Check check_names(const ControlPlaneOptions& options) {
  if (!tunnel::is_below(options.hostname, options.domain))
    return {Health::bad, "host name", options.hostname + " is not below DD_CF_DOMAIN " + options.domain,
            "DD_HOSTNAME must lie in the zone: its DNS record is made there"};
  if (options.ingress_style == IngressStyle::nested && !options.origin.starts_with("http://"))
    return {Health::doubtful, "host name", "workloads answer two levels below " + options.domain,
            "Cloudflare's universal certificate covers one level: order an advanced certificate, or set "
            "DD_INGRESS_STYLE=flat"};
  return {Health::good, "host name", options.hostname, {}};
}

/// What two names have at their ends: of most registrable domains that is one.
std::string last_labels(std::string_view name) {
  const auto last = name.rfind('.');
  const auto before = last == std::string_view::npos || last == 0 ? last : name.rfind('.', last - 1);
  return std::string(before == std::string_view::npos ? name : name.substr(before + 1));
}

Check check_workload_domain(const ControlPlaneOptions& options) {
  const auto* fix = "set DD_WORKLOAD_DOMAIN and DD_WORKLOAD_ZONE_ID to a registrable domain of their own";
  if (options.workload_domain.empty())
    return {Health::doubtful, "workloads' domain",
            "workloads answer below " + options.domain +
                ", where their pages can set cookies that the control plane and agents get",
            fix};
  if (last_labels(options.workload_domain) == last_labels(options.domain))
    return {Health::doubtful, "workloads' domain",
            options.workload_domain + " and " + options.domain +
                " look like one registrable domain: browsers share cookies there",
            fix};
  return {Health::good, "workloads' domain", options.workload_domain, {}};
}

Check check_cloudflare(const ControlPlaneOptions& options, HttpTransport& transport, const std::string& what,
                       const std::string& path, const std::string& fix) {
  HttpRequest request;
  request.url = options.cloudflare_api_url + path;
  request.headers.set("Authorization", "Bearer " + std::string(options.cloudflare_api_token.reveal()));
  const auto response = net::send_blocking(transport, std::move(request));
  if (!response) return {Health::bad, what, response.error().message, "check DD_CF_API_URL and the way out"};
  const auto answer = tunnel::read_envelope(*response, "ask for " + what, options.cloudflare_api_token);
  if (!answer) return {Health::bad, what, answer.error().error.message, fix};
  return {Health::good, what, "allowed", {}};
}

Check check_ita(const ControlPlaneOptions& options, HttpTransport& transport) {
  HttpRequest request;
  request.url = options.ita_jwks_url;
  const auto response = net::send_blocking(transport, std::move(request));
  const auto* fix = "check DD_ITA_JWKS_URL and the way out";
  if (!response) return {Health::bad, "ITA keys", response.error().message, fix};
  if (response->status != 200) return {Health::bad, "ITA keys", net::error_from(*response).message, fix};
  const auto keys = jwks::KeySet::parse(response->body);
  if (!keys) return {Health::bad, "ITA keys", keys.error().message, fix};
  return {Health::good, "ITA keys", std::to_string(keys->size()) + " at " + options.ita_jwks_url, {}};
}

/// The account of the owner: a repository's is what stands before the slash.
Check check_github(const ControlPlaneOptions& options, HttpTransport& transport) {
  const auto& owner = options.owner;
  const auto known = identity::look_up_owner(transport, options.github_api_url, owner);
  if (!known && known.error().code == ErrorCode::not_found && owner.kind == OwnerKind::repository)
    return {Health::doubtful, "owner", owner.login + " is not public, so it was not looked at",
            "check DD_OWNER by hand"};
  if (!known) return {Health::bad, "owner", known.error().message, "check DD_OWNER, DD_GITHUB_API_URL and the way out"};
  const auto id = std::to_string(known->id);
  if (owner.id == 0)
    return {Health::doubtful, "owner", owner.login + " by name only",
            "set DD_OWNER_ID=" + id + ": a name can change hands"};
  if (known->id != owner.id)
    return {Health::bad, "owner", owner.login + " has id " + id + ", DD_OWNER_ID is " + std::to_string(owner.id),
            "one of the two is somebody else"};
  return {Health::good, "owner", owner.login + ", id " + id, {}};
}

/// Looks only: dd-cp makes the folder itself.
Check check_state(const ControlPlaneOptions& options) {
  std::error_code failed;
  auto folder = std::filesystem::absolute(options.state_dir, failed);
  while (!folder.empty() && folder != folder.parent_path() && !std::filesystem::exists(folder, failed))
    folder = folder.parent_path();
  if (access(folder.c_str(), W_OK | X_OK) != 0)
    return {Health::bad, "state", "cannot write to " + folder.string(),
            "set DD_STATE_DIR to a folder that dd-cp may write to"};
  return {Health::good, "state", options.state_dir.string(), {}};
}

}  // namespace

std::vector<Check> check_control_plane(const ControlPlaneOptions& options, HttpTransport& transport) {
  std::vector<Check> checks{check_policy(options), check_names(options), check_workload_domain(options),
                            check_state(options)};
  checks.push_back(
      check_cloudflare(options, transport, "Cloudflare tunnels",
                       "/accounts/" + options.cloudflare_account_id + "/cfd_tunnel?is_deleted=false&per_page=1",
                       "DD_CF_API_TOKEN needs Account / Cloudflare Tunnel / Edit on DD_CF_ACCOUNT_ID"));
  checks.push_back(check_cloudflare(options, transport, "Cloudflare DNS records",
                                    "/zones/" + options.cloudflare_zone_id + "/dns_records?per_page=1",
                                    "DD_CF_API_TOKEN needs Zone / DNS / Edit on DD_CF_ZONE_ID"));
  if (!options.workload_domain.empty())
    checks.push_back(check_cloudflare(options, transport, "Cloudflare DNS records of workloads",
                                      "/zones/" + options.workload_zone_id + "/dns_records?per_page=1",
                                      "DD_CF_API_TOKEN needs Zone / DNS / Edit on DD_WORKLOAD_ZONE_ID"));
  checks.push_back(check_ita(options, transport));
  checks.push_back(check_github(options, transport));
  if (options.accept_simulated)
    checks.push_back({Health::doubtful, "evidence", "simulated evidence is accepted: nothing is attested",
                      "unset DD_ACCEPT_SIMULATED"});
  return checks;
}

}  // namespace dd::cli
