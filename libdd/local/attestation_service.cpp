#include "libdd/local/attestation_service.hpp"

#include <functional>
#include <mutex>
#include <utility>

#include <boost/asio/thread_pool.hpp>
#include <nlohmann/json.hpp>

#include "libdd/core/json.hpp"
#include "libdd/local/appraisal.hpp"
#include "libdd/local/stop_grace.hpp"
#include "libdd/net/http_server.hpp"

namespace dd::local {
namespace {

constexpr std::size_t kLargestBody = 500'000;
constexpr int kKeyBits = 3072;
constexpr std::chrono::milliseconds kKeyWait{30'000};

using Response = Result<net::ServerResponse>;

/// ITA names the text `message` at the gateway (401, 429) and `error` behind it (400).
net::ServerResponse refusal(int status, const char* member, const std::string& text) {
  return net::json_response(to_text(Json{{member, text}}), status);
}

}  // namespace

struct AttestationService::Impl {
  using Method = net::Task<Response> (*)(std::shared_ptr<Impl>, net::ServerRequest);

  Impl(net::asio::any_io_executor executor, AttestationServiceOptions options)
      : clock(options.clock == nullptr ? system_clock() : *options.clock),
        address(std::move(options.address)),
        api_key(std::move(options.api_key)),
        key_made(executor) {
    terms.roots_pem = std::move(options.roots_pem);
    terms.attester_type = std::move(options.attester_type);
    terms.tcb_status = std::move(options.tcb_status);
    terms.lifetime = options.token_lifetime;
    if (options.key) keys.add(*std::move(options.key), OldKeys::withdraw);
  }

  [[nodiscard]] std::string url() const { return "http://" + address + ":" + std::to_string(server->port()); }
  [[nodiscard]] AppraisalTerms terms_now() {
    const std::lock_guard lock(mutex);
    auto now = terms;
    now.issuer = url();
    now.now = clock.unix_seconds();
    return now;
  }
  [[nodiscard]] bool knows_key(const net::ServerRequest& request) const {
    const auto* given = request.headers.find("x-api-key");
    return given != nullptr && !api_key.empty() && Secret(*given) == api_key;
  }

  static net::Task<void> make_key(std::shared_ptr<Impl> self);
  /// False when there is none in time.
  static net::Task<bool> wait_for_key(std::shared_ptr<Impl> self);
  static net::Task<Response> certs(std::shared_ptr<Impl> self, net::ServerRequest request);
  template <AppraisalVersion version>
  static net::Task<Response> attest(std::shared_ptr<Impl> self, net::ServerRequest request);

  const Clock& clock;
  std::string address;
  Secret api_key;
  TokenKeys keys;
  Faults faults;
  std::mutex mutex;  // guards terms
  AppraisalTerms terms;
  net::Event key_made;
  std::optional<net::asio::thread_pool> pool;  // only while the key is made
  std::unique_ptr<net::HttpServer> server;
};

net::Task<void> AttestationService::Impl::make_key(std::shared_ptr<Impl> self) {
  auto& pool = self->pool.emplace(1);
  // Shared with the thread, which may outlive this coroutine when the io_context goes.
  const auto key = std::make_shared<std::optional<crypto::RsaPrivateKey>>();
  std::function<void()> work = [key] { *key = crypto::RsaPrivateKey::generate(kKeyBits); };
  co_await net::run_on(pool, std::move(work));
  if (self->keys.empty()) self->keys.add(**key, OldKeys::keep);
  self->key_made.notify();
}

net::Task<bool> AttestationService::Impl::wait_for_key(std::shared_ptr<Impl> self) {
  if (self->keys.empty()) co_await self->key_made.wait(kKeyWait);
  co_return !self->keys.empty();
}

net::Task<Response> AttestationService::Impl::certs(std::shared_ptr<Impl> self, net::ServerRequest) {
  if (auto fault = self->faults.next()) co_return *std::move(fault);
  const bool ready = co_await wait_for_key(self);
  if (!ready) co_return refusal(503, "message", "the signing key is not made yet");
  co_return net::json_response(to_text(self->keys.key_set()));
}

template <AppraisalVersion version>
net::Task<Response> AttestationService::Impl::attest(std::shared_ptr<Impl> self, net::ServerRequest request) {
  if (auto fault = self->faults.next()) co_return *std::move(fault);
  if (!self->knows_key(request)) co_return refusal(401, "message", "Unauthorized");
  const auto evidence = read_appraisal_request(request.body, version);
  if (!evidence) co_return refusal(400, "error", evidence.error().message);
  // Before the appraisal: a token's times start when it can be signed.
  const bool ready = co_await wait_for_key(self);
  if (!ready) co_return refusal(503, "message", "the signing key is not made yet");
  const auto payload = appraise(*evidence, self->terms_now(), version);
  if (!payload) co_return refusal(400, "error", payload.error().message);
  const auto token = self->keys.sign(evidence->algorithm, self->url() + "/certs", *payload);
  co_return net::json_response(to_text(Json{{"token", token}}));
}

AttestationService::AttestationService(net::asio::any_io_executor executor, AttestationServiceOptions options) {
  net::HttpServerOptions server;
  server.address = options.address;
  server.port = options.port;
  impl_ = std::make_shared<Impl>(executor, std::move(options));
  net::RouteOptions large;
  large.max_body = kLargestBody;
  net::Router router;
  const auto route = [this, &router](const char* method, const char* path, Impl::Method how,
                                     const net::RouteOptions& limits) {
    router.add(
        method, path,
        [impl = std::weak_ptr(impl_), how](const net::ServerRequest& request) -> net::Task<Response> {
          auto self = impl.lock();
          if (!self) co_return fail(ErrorCode::unavailable, "cannot answer: the attestation service has stopped");
          auto task = how(std::move(self), request);
          co_return co_await std::move(task);
        },
        limits);
  };
  route("GET", "/certs", Impl::certs, {});
  route("POST", "/appraisal/v1/attest", Impl::attest<AppraisalVersion::v1>, large);
  route("POST", "/appraisal/v2/attest", Impl::attest<AppraisalVersion::v2>, large);
  impl_->server = std::make_unique<net::HttpServer>(executor, std::move(router), server);
  if (impl_->keys.empty())
    net::spawn(std::move(executor), Impl::make_key(impl_), "making the attestation service's key");
}

AttestationService::~AttestationService() = default;

Result<void> AttestationService::start() { return impl_->server->start(); }
std::uint16_t AttestationService::port() const noexcept { return impl_->server->port(); }
std::string AttestationService::url() const { return impl_->url(); }
std::string AttestationService::jwks_url() const { return impl_->url() + "/certs"; }
net::Task<void> AttestationService::stop() { return impl_->server->stop(kStopGrace); }

void AttestationService::set_token_lifetime(std::chrono::seconds lifetime) {
  const std::lock_guard lock(impl_->mutex);
  impl_->terms.lifetime = lifetime;
}

void AttestationService::set_tcb_status(std::string status) {
  const std::lock_guard lock(impl_->mutex);
  impl_->terms.tcb_status = std::move(status);
}

void AttestationService::rotate_key(crypto::RsaPrivateKey key, OldKeys old) { impl_->keys.add(std::move(key), old); }

Faults& AttestationService::faults() noexcept { return impl_->faults; }

}  // namespace dd::local
