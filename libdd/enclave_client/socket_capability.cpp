#include <fcntl.h>

#include <utility>

#include <nlohmann/json.hpp>

#include "libdd/enclave_client/answer.hpp"
#include "libdd/enclave_client/capability.hpp"
#include "libdd/net/line_socket.hpp"

namespace dd::enclave_client {
namespace {

using namespace std::chrono_literals;

constexpr auto kCapabilityDeadline = 10s;
// Stock kernels poll the host once a second, thirty times.
constexpr auto kQuoteDeadline = 60s;

tl::unexpected<Error> unreadable_capability(const Error& cause) {
  return fail(ErrorCode::upstream, "cannot read the answer of the capability socket: " + cause.message);
}

Result<VmKeys> keys_from(const Json& answer) {
  ObjectReader reader(answer, "$");
  const Json* signing = reader.object("signing_key");
  const Json* sealing = reader.object("sealing_key");
  VmKeys keys;
  keys.boot_id = reader.text("boot_id", {.least = 32, .most = 32});
  keys.attestation_type = reader.text("attestation_type", {.least = 1, .most = 64});
  keys.boundary = reader.text("boundary") == "uid";
  if (reader.error()) return unreadable_capability(*reader.error());
  const auto signing_key = crypto::OkpPublicKey::from_jwk(*signing, crypto::Curve::ed25519);
  if (!signing_key) return unreadable_capability(signing_key.error());
  const auto sealing_key = crypto::OkpPublicKey::from_jwk(*sealing, crypto::Curve::x25519);
  if (!sealing_key) return unreadable_capability(sealing_key.error());
  keys.signing = *signing_key;
  keys.sealing = *sealing_key;
  return keys;
}

Result<BoundQuote> quote_from(const Json& answer) {
  ObjectReader reader(answer, "$");
  const auto quote_b64 = reader.text("quote_b64", {.least = 1, .most = 512 * 1024});
  BoundQuote bound;
  bound.runtime_data = reader.base64url("runtime_data_b64u", 0);
  bound.quoted_events = reader.integer("quoted_events", 1, INT32_MAX);
  const auto head = reader.hex("log_head", sizeof(Digest384));
  if (reader.error()) return unreadable_capability(*reader.error());
  auto quote = from_base64(quote_b64);
  if (!quote) return unreadable_capability(quote.error());
  bound.quote = *std::move(quote);
  std::copy(head.begin(), head.end(), bound.log_head.begin());
  return bound;
}

class SocketCapability final : public Capability {
 public:
  SocketCapability(net::asio::any_io_executor executor, int fd) : line_(std::move(executor), fd) {}

  net::Task<Result<VmKeys>> keys() override {
    auto request = Json::object();
    const auto answer = co_await call("keys", std::move(request), kCapabilityDeadline);
    if (!answer) co_return tl::unexpected(answer.error());
    co_return keys_from(*answer);
  }

  net::Task<Result<std::string>> sign(std::string typ, Json claims) override {
    auto request = Json::object();
    request["typ"] = std::move(typ);
    request["claims"] = std::move(claims);
    const auto answer = co_await call("sign", std::move(request), kCapabilityDeadline);
    if (!answer) co_return tl::unexpected(answer.error());
    ObjectReader reader(*answer, "$");
    auto jws = reader.text("jws", {.least = 1, .most = 1024 * 1024});
    if (reader.error()) co_return unreadable_capability(*reader.error());
    co_return jws;
  }

  net::Task<Result<Bytes>> open(std::string info, std::string aad, Bytes sealed) override {
    auto request = Json::object();
    request["info"] = std::move(info);
    request["aad"] = std::move(aad);
    request["sealed"] = to_base64url(sealed);
    const auto answer = co_await call("open", std::move(request), kCapabilityDeadline);
    if (!answer) co_return tl::unexpected(answer.error());
    ObjectReader reader(*answer, "$");
    auto plaintext = reader.base64url("plaintext_b64u", 0);
    if (reader.error()) co_return unreadable_capability(*reader.error());
    co_return plaintext;
  }

  net::Task<Result<std::int64_t>> seq(std::int64_t count) override {
    auto request = Json::object();
    request["count"] = count;
    const auto answer = co_await call("seq", std::move(request), kCapabilityDeadline);
    if (!answer) co_return tl::unexpected(answer.error());
    ObjectReader reader(*answer, "$");
    const auto first = reader.integer("first", 1, std::int64_t{1} << 53);
    if (reader.error()) co_return unreadable_capability(*reader.error());
    co_return first;
  }

  net::Task<Result<BoundQuote>> quote(std::string tag, std::vector<Digest256> fields) override {
    auto request = Json::object();
    request["tag"] = std::move(tag);
    auto& list = request["fields"] = Json::array();
    for (const auto& field : fields) list.push_back(to_base64url(field));
    const auto answer = co_await call("quote", std::move(request), kQuoteDeadline);
    if (!answer) co_return tl::unexpected(answer.error());
    co_return quote_from(*answer);
  }

  net::Task<Result<protocol::LogPage>> log(std::int64_t from) override {
    auto request = Json::object();
    request["from"] = from;
    const auto answer = co_await call("log", std::move(request), kCapabilityDeadline);
    if (!answer) co_return tl::unexpected(answer.error());
    co_return protocol::log_page_from(*answer, "$");
  }

  net::Task<Result<void>> power_off() override {
    auto request = Json::object();
    const auto answer = co_await call("power_off", std::move(request), kCapabilityDeadline);
    if (!answer) co_return tl::unexpected(answer.error());
    co_return Result<void>();
  }

 private:
  net::Task<Result<Json>> call(const char* method, Json request, std::chrono::milliseconds deadline) {
    request["method"] = method;
    auto text = to_text(request);
    const auto answer = co_await line_.call(std::move(text), deadline);
    if (!answer) co_return wrap(answer.error(), "cannot ask the capability socket");
    co_return answer_from(*answer);
  }

  net::LineClient line_;
};

}  // namespace

std::unique_ptr<Capability> make_socket_capability(net::asio::any_io_executor executor, int fd) {
  // It came through exec without the flag; whatever this process starts must not have it.
  fcntl(fd, F_SETFD, FD_CLOEXEC);
  return std::make_unique<SocketCapability>(std::move(executor), fd);
}

}  // namespace dd::enclave_client
