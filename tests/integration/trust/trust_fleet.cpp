#include "tests/integration/trust/trust_fleet.hpp"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <stdexcept>
#include <thread>

#include "libdd/attest/policy_file.hpp"
#include "libdd/core/json.hpp"
#include "libdd/net/http_client.hpp"

namespace dd::trust {
namespace {

constexpr std::chrono::seconds kPatience{30};
constexpr std::chrono::milliseconds kPause{20};

std::filesystem::path cp_program() { return std::filesystem::path(DD_TOOLS) / "dd-cp"; }

Settings merged(Settings settings, const Settings& more) {
  for (const auto& [name, value] : more) {
    std::erase_if(settings, [&name = name](const auto& setting) { return setting.first == name; });
    settings.emplace_back(name, value);
  }
  return settings;
}

std::string policy_text(const attest::SimulatedMeasurements& measured, const std::string& origin) {
  attest::PolicyValues values;
  values.mrtd = {measured.mrtd};
  for (std::size_t i = 0; i < values.rtmr.size(); ++i) values.rtmr[i] = {measured.rtmr[i]};
  values.simulated = true;
  values.agent_digest = {kAgentDigest};
  values.connector_digest = {kConnectorDigest};
  values.owner_id = std::to_string(cli::kUpOwnerId);
  values.cp_origin = origin;
  return attest::policy_file(values).value();
}

std::string content_of(const std::filesystem::path& file) {
  std::ifstream stream(file);
  return {std::istreambuf_iterator<char>(stream), {}};
}

}  // namespace

void wait_until(const std::string& what, const std::function<bool()>& check, const std::function<std::string()>& seen) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!check()) {
    if (std::chrono::steady_clock::now() > deadline)
      throw std::runtime_error("never saw: " + what + (seen ? "; saw " + seen() : ""));
    std::this_thread::sleep_for(kPause);
  }
}

Answer ask(HttpTransport& transport, HttpRequest request) {
  const auto response = net::send_blocking(transport, std::move(request));
  if (!response) throw std::runtime_error(response.error().message);
  Answer answer;
  answer.status = response->status;
  auto body = parse_json(response->body, {.max_bytes = 8 * 1024 * 1024});
  if (!body || !body->is_object()) return answer;
  answer.reason = body->value("reason", "");
  answer.path = body->value("path", "");
  answer.message = body->value("message", "");
  answer.body = *std::move(body);
  return answer;
}

std::uint16_t free_port() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0)
    throw std::runtime_error("no free port");
  close(fd);
  return ntohs(address.sin_port);
}

Settings cp_settings(const cli::UpServices& services, const std::string& origin, const std::string& policy,
                     const std::string& state_dir) {
  return {{"DD_ENV", "local"},
          {"DD_OWNER", cli::kUpOwner},
          {"DD_OWNER_ID", std::to_string(cli::kUpOwnerId)},
          {"DD_HOSTNAME", "app.dd.localhost"},
          {"DD_CP_ORIGIN", origin},
          {"DD_CP_TUNNEL", "false"},
          {"DD_PORT", origin.substr(origin.rfind(':') + 1)},
          {"DD_STATE_DIR", state_dir},
          {"DD_POLICY", policy},
          {"DD_ACCEPT_SIMULATED", "true"},
          {"DD_SCRAPE_INTERVAL", "300ms"},
          {"DD_POLL_TIMEOUT", "20s"},
          {"DD_CF_API_URL", services.cloudflare_api_url()},
          {"DD_CF_API_TOKEN", std::string(services.cloudflare_token().reveal())},
          {"DD_CF_ACCOUNT_ID", cli::kUpAccount},
          {"DD_CF_ZONE_ID", cli::kUpZone},
          {"DD_CF_DOMAIN", "dd.localhost"},
          {"DD_ITA_ISSUER", services.ita_url()},
          {"DD_ITA_JWKS_URL", services.ita_jwks_url()},
          {"DD_GITHUB_API_URL", services.github_api_url()},
          {"DD_EDGE_URL", services.edge_url()}};
}

std::string failed_start(const Settings& settings) {
  const TempDir folder;
  const auto log = folder.path() / "log";
  auto child = cli::Child::start(cp_program(), settings, log);
  if (!child) throw std::runtime_error(child.error().message);
  const auto said = [&log] { return "it still running, with the log\n" + content_of(log); };
  wait_until("the end of dd-cp", [&child] { return child->ended(); }, said);
  return content_of(log);
}

TrustFleet::TrustFleet(const Settings& settings, std::int64_t token_lifetime_secs, const Detour& detour)
    : root_(attest::make_simulator_root().value()), measurements_(attest::simulated_measurements(kRuntimeDigest)) {
  cli::UpServicesOptions options;
  options.simulator_root_pem = root_.certificate_pem;
  options.domain = "dd.localhost";
  options.token_lifetime_secs = token_lifetime_secs;
  options.stranger_pat = kStrangerPat;
  services_ = cli::UpServices::start(std::move(options)).value();
  origin_ = "http://127.0.0.1:" + std::to_string(free_port());
  transport_ = net::make_http_transport({});
  const auto policy = folder_.write("policy.json", policy_text(measurements_, origin_));
  settings_ = merged(cp_settings(*services_, origin_, policy.string(), (folder_.path() / "state").string()), settings);
  if (detour) settings_ = merged(std::move(settings_), {{"DD_CF_API_URL", detour(services_->cloudflare_api_url())}});
  start_control_plane();
}

void TrustFleet::start_control_plane() {
  cp_ = std::make_unique<cli::Child>(cli::Child::start(cp_program(), settings_, folder_.path() / "log").value());
  wait_until(
      "dd-cp listening",
      [this] {
        HttpRequest request;
        request.url = origin_ + "/health";
        return net::send_blocking(*transport_, std::move(request)).has_value();
      },
      [this] { return "the log\n" + log(); });
}

Answer TrustFleet::as_owner(const std::string& method, const std::string& path, const std::string& body) const {
  HttpRequest request;
  request.method = method;
  request.url = origin_ + path;
  request.headers.set("Authorization", "Bearer " + std::string(services_->owner_pat().reveal()));
  request.body = body;
  return ask(*transport_, std::move(request));
}

std::string TrustFleet::ticket(const std::string& vm_name) const {
  const auto body = vm_name.empty() ? std::string() : to_text(Json{{"vm_name", vm_name}});
  return as_owner("POST", "/api/invites", body).body.at("ticket").get<std::string>();
}

Json TrustFleet::agents() const {
  HttpRequest request;
  request.url = origin_ + "/api/agents";
  request.headers.set("Authorization", "Bearer " + std::string(services_->owner_pat().reveal()));
  return Json::parse(net::send_blocking(*transport_, std::move(request)).value().body);
}

Json TrustFleet::agent(const std::string& agent_id) const {
  const auto rows = agents();
  for (const auto& row : rows)
    if (row.at("agent_id") == agent_id) return row;
  return {};
}

Json TrustFleet::wait_for(const std::string& agent_id, const std::string& status) const {
  Json row;
  wait_until(
      agent_id + " " + status,
      [&] {
        row = agent(agent_id);
        return !row.is_null() && row.at("status") == status;
      },
      [&] { return (row.is_null() ? "no such agent" : to_text(row)) + ", and the log\n" + log(); });
  return row;
}

std::string TrustFleet::log() const { return content_of(folder_.path() / "log"); }

Json TrustFleet::edge(const std::string& method, const std::string& path, const Json& body) const {
  HttpRequest request;
  const auto api = services_->cloudflare_api_url();
  request.method = method;
  request.url = api.substr(0, api.find("/client")) + path;
  request.headers.set("Authorization", "Bearer " + std::string(services_->cloudflare_token().reveal()));
  if (!body.is_null()) request.body = to_text(body);
  return Json::parse(net::send_blocking(*transport_, std::move(request)).value().body);
}

std::set<std::string> TrustFleet::tunnels() const {
  std::set<std::string> names;
  const auto state = edge_state();
  for (const auto& tunnel : state.at("tunnels"))
    if (tunnel.at("deleted_at").is_null()) names.insert(tunnel.at("name").get<std::string>());
  return names;
}

std::set<std::string> TrustFleet::hostnames() const {
  std::set<std::string> names;
  const auto state = edge_state();
  for (const auto& record : state.at("records")) names.insert(record.at("name").get<std::string>());
  return names;
}

}  // namespace dd::trust
