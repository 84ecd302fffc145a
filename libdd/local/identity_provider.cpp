#include "libdd/local/identity_provider.hpp"

#include <functional>
#include <mutex>
#include <string_view>
#include <utility>

#include "libdd/local/stop_grace.hpp"
#include "libdd/net/ascii.hpp"

namespace dd::local {
namespace {

constexpr const char* kAuthorize = "/login/oauth/authorize";

/// GitHub takes "Bearer" and "token" alike.
std::string token_of(const net::ServerRequest& request) {
  const auto* value = request.headers.find("Authorization");
  if (value == nullptr) return {};
  for (const std::string_view scheme : {"Bearer ", "token "})
    if (net::same_ignoring_case(std::string_view(*value).substr(0, scheme.size()), scheme))
      return value->substr(scheme.size());
  return "of another scheme";
}

}  // namespace

struct IdentityProvider::Impl {
  using Answer = net::ServerResponse (*)(const GithubTable& table, const std::string& token,
                                         const std::vector<std::string>& params);

  explicit Impl(IdentityProviderOptions options)
      : address(std::move(options.address)),
        table(std::move(options.table)),
        app(std::move(options.app), system_clock(), system_random()) {}

  net::ServerResponse answer(const net::ServerRequest& request, Answer how) {
    if (auto fault = faults.next()) return *std::move(fault);
    const auto* agent = request.headers.find("User-Agent");
    if (agent == nullptr || agent->empty())
      return github_error(
          403, "Request forbidden by administrative rules. Please make sure your request has a User-Agent header");
    const std::lock_guard lock(mutex);
    return how(table, token_of(request), request.params);
  }

  net::ServerResponse web_answer(const net::ServerRequest& request) {
    if (auto fault = faults.next()) return *std::move(fault);
    const std::lock_guard lock(mutex);
    if (request.path == kAuthorize)
      return request.method == "POST" ? app.consent(request, table) : app.ask(request, table);
    return app.trade(request, table);
  }

  std::string address;
  Faults faults;
  std::mutex mutex;  // guards table and app
  GithubTable table;
  GithubApp app;
  std::unique_ptr<net::HttpServer> server;
};

IdentityProvider::IdentityProvider(net::asio::any_io_executor executor, IdentityProviderOptions options) {
  net::HttpServerOptions server;
  server.address = options.address;
  server.port = options.port;
  impl_ = std::make_shared<Impl>(std::move(options));
  net::Router router;
  const auto get = [this, &router](const char* path, Impl::Answer how) {
    router.add("GET", path,
               [impl = std::weak_ptr(impl_),
                how](const net::ServerRequest& request) -> net::Task<Result<net::ServerResponse>> {
                 const auto self = impl.lock();
                 if (!self) co_return fail(ErrorCode::unavailable, "cannot answer: the identity provider has stopped");
                 co_return self->answer(request, how);
               });
  };
  get("/user", [](const auto& table, const auto& token, const auto&) { return answer_user(table, token); });
  get("/user/memberships/orgs/{organisation}", [](const auto& table, const auto& token, const auto& params) {
    return answer_membership(table, token, params[0]);
  });
  get("/repos/{owner}/{repo}", [](const auto& table, const auto& token, const auto& params) {
    return answer_repository(table, token, params[0] + "/" + params[1]);
  });
  get("/users/{login}",
      [](const auto& table, const auto& token, const auto& params) { return answer_account(table, token, params[0]); });
  for (const auto& [method, path] :
       {std::pair("GET", kAuthorize), std::pair("POST", kAuthorize), std::pair("POST", "/login/oauth/access_token")})
    router.add(
        method, path,
        [impl = std::weak_ptr(impl_)](const net::ServerRequest& request) -> net::Task<Result<net::ServerResponse>> {
          const auto self = impl.lock();
          if (!self) co_return fail(ErrorCode::unavailable, "cannot answer: the identity provider has stopped");
          co_return self->web_answer(request);
        });
  impl_->server = std::make_unique<net::HttpServer>(std::move(executor), std::move(router), server);
}

IdentityProvider::~IdentityProvider() = default;

Result<void> IdentityProvider::start() { return impl_->server->start(); }
std::uint16_t IdentityProvider::port() const noexcept { return impl_->server->port(); }
std::string IdentityProvider::api_url() const { return "http://" + impl_->address + ":" + std::to_string(port()); }
net::Task<void> IdentityProvider::stop() { return impl_->server->stop(kStopGrace); }

void IdentityProvider::set_table(GithubTable table) {
  const std::lock_guard lock(impl_->mutex);
  impl_->table = std::move(table);
}

void IdentityProvider::set_app(GithubAppEntry app) {
  const std::lock_guard lock(impl_->mutex);
  impl_->app.set_entry(std::move(app));
}

Faults& IdentityProvider::faults() noexcept { return impl_->faults; }

}  // namespace dd::local
