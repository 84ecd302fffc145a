#include "libdd/cli/up_services.hpp"

#include <future>
#include <thread>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>

#include "dd/bytes.hpp"
#include "dd/random.hpp"
#include "libdd/local/attestation_service.hpp"
#include "libdd/local/edge.hpp"
#include "libdd/local/identity_provider.hpp"
#include "libdd/local/release_server.hpp"
#include "libdd/net/loop.hpp"

namespace dd::cli {
namespace {

Secret make_secret(const char* prefix) {
  std::array<std::byte, 24> noise{};
  system_random().fill(noise);
  return Secret(prefix + to_hex(noise));
}

local::EdgeOptions edge_options(const UpServicesOptions& options, const Secret& token) {
  local::EdgeOptions edge;
  edge.public_port = options.port;
  edge.api_token = token;
  edge.account = kUpAccount;
  edge.zones = {kUpZone, kUpWorkloadZone};
  return edge;
}

local::AttestationServiceOptions ita_options(const UpServicesOptions& options, const Secret& key) {
  local::AttestationServiceOptions ita;
  ita.api_key = key;
  ita.roots_pem = {options.simulator_root_pem};
  ita.token_lifetime = std::chrono::seconds(options.token_lifetime_secs);
  return ita;
}

local::IdentityProviderOptions idp_options(const UpServicesOptions& options, const Secret& pat) {
  local::IdentityProviderOptions idp;
  local::GithubUser owner;
  owner.login = kUpOwner;
  owner.id = kUpOwnerId;
  owner.tokens = {std::string(pat.reveal())};
  idp.table.users.push_back(std::move(owner));
  local::GithubRepository repository;
  repository.full_name = std::string(kUpOwner) + "/dd";
  repository.id = kUpOwnerId + 1;
  idp.table.repositories.push_back(std::move(repository));
  if (options.stranger_pat.empty()) return idp;
  local::GithubUser stranger;
  stranger.login = "stranger";
  stranger.id = kUpOwnerId + 2;
  stranger.tokens = {options.stranger_pat};
  idp.table.users.push_back(std::move(stranger));
  return idp;
}

local::ReleaseServerOptions release_options(const UpServicesOptions& options) {
  local::ReleaseServerOptions releases;
  releases.folder = options.releases;
  return releases;
}

}  // namespace

struct UpServices::Impl {
  explicit Impl(const UpServicesOptions& options)
      : edge(io.get_executor(), edge_options(options, cloudflare_token)),
        ita(io.get_executor(), ita_options(options, ita_key)),
        idp(io.get_executor(), idp_options(options, owner_pat)),
        releases(io.get_executor(), release_options(options)) {}
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() {
    io.stop();
    if (thread.joinable()) thread.join();
    io.end_tasks();
  }

  Secret cloudflare_token = make_secret("cf-");
  Secret ita_key = make_secret("ita-");
  Secret owner_pat = make_secret("ghp_");
  Secret github_client_secret = make_secret("");
  net::Loop io;
  asio::executor_work_guard<asio::io_context::executor_type> keep = asio::make_work_guard(io);
  local::Edge edge;
  local::AttestationService ita;
  local::IdentityProvider idp;
  local::ReleaseServer releases;
  std::thread thread;
};

UpServices::UpServices() = default;

Result<std::unique_ptr<UpServices>> UpServices::start(UpServicesOptions options) {
  std::unique_ptr<UpServices> services(new UpServices);
  services->impl_ = std::make_unique<Impl>(options);
  auto& impl = *services->impl_;
  for (auto started : {impl.edge.start(), impl.ita.start(), impl.idp.start(), impl.releases.start()})
    if (!started) return tl::unexpected(started.error());
  impl.thread = std::thread([&impl] { impl.io.run(); });
  return services;
}

UpServices::~UpServices() = default;

std::uint16_t UpServices::public_port() const { return impl_->edge.public_port(); }
std::string UpServices::edge_url() const { return "http://127.0.0.1:" + std::to_string(public_port()); }
std::string UpServices::cloudflare_api_url() const { return impl_->edge.api_url(); }
std::string UpServices::ita_url() const { return impl_->ita.url(); }
std::string UpServices::ita_jwks_url() const { return impl_->ita.jwks_url(); }
std::string UpServices::github_api_url() const { return impl_->idp.api_url(); }
std::string UpServices::github_web_url() const { return impl_->idp.web_url(); }
std::string UpServices::releases_api_url() const { return impl_->releases.api_url(); }
void UpServices::register_app(const std::string& cp_origin) {
  local::GithubAppEntry app{kUpClientId, impl_->github_client_secret, cp_origin + "/auth/github/callback"};
  impl_->idp.set_app(std::move(app));
}
const Secret& UpServices::github_client_secret() const { return impl_->github_client_secret; }
const Secret& UpServices::cloudflare_token() const { return impl_->cloudflare_token; }
const Secret& UpServices::ita_key() const { return impl_->ita_key; }
const Secret& UpServices::owner_pat() const { return impl_->owner_pat; }

}  // namespace dd::cli
