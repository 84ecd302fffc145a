#include "libdd/enclave_client/enclave_client.hpp"

#include <utility>

#include <nlohmann/json.hpp>

#include "libdd/enclave_client/answer.hpp"
#include "libdd/net/line_socket.hpp"

namespace dd::enclave_client {
namespace {

using namespace std::chrono_literals;

constexpr auto kDeadline = 10s;
// A stop lasts as long as the runtime's own grace lets it; this only bounds a runtime that hangs.
constexpr auto kStopDeadline = 120s;

Error unreadable(const Error& cause) {
  return {ErrorCode::upstream, "cannot read the runtime's answer: " + cause.message};
}

Result<RuntimeHealth> health_from(const Json& answer) {
  ObjectReader reader(answer, "$");
  RuntimeHealth health;
  health.attestation_type = reader.text("attestation_type");
  health.workloads = reader.integer("workloads", 0, INT32_MAX);
  health.uptime_secs = reader.integer("uptime_secs", 0, INT64_MAX);
  // Only our runtime has these two.
  health.boot_id = reader.optional_text("boot_id").value_or("");
  health.boundary = reader.optional_text("boundary").value_or("none");
  if (reader.error()) return tl::unexpected(unreadable(*reader.error()));
  return health;
}

Result<std::vector<DeploymentInfo>> deployments_from(const Json& answer) {
  ObjectReader reader(answer, "$");
  const Json* list = reader.array("deployments", 100'000);
  if (reader.error()) return tl::unexpected(unreadable(*reader.error()));
  std::vector<DeploymentInfo> deployments;
  deployments.reserve(list->size());
  for (const auto& item : *list) {
    auto info = deployment_info_from(item);
    if (!info) return tl::unexpected(unreadable(info.error()));
    deployments.push_back(*std::move(info));
  }
  return deployments;
}

}  // namespace

struct EnclaveClient::Impl {
  net::LineClient line;
  Secret token;

  net::Task<Result<Json>> call(const char* method, Json request, std::chrono::milliseconds deadline) {
    request["method"] = method;
    if (!token.empty()) request["token"] = std::string(token.reveal());
    auto text = to_text(request);
    const auto answer = co_await line.call(std::move(text), deadline);
    if (!answer) co_return wrap(answer.error(), "cannot ask the workload runtime");
    co_return answer_from(*answer);
  }
};

EnclaveClient::EnclaveClient(net::asio::any_io_executor executor, std::filesystem::path socket, Secret token)
    : impl_(new Impl{net::LineClient(std::move(executor), std::move(socket)), std::move(token)}) {}
EnclaveClient::~EnclaveClient() = default;

net::Task<Result<RuntimeHealth>> EnclaveClient::health() {
  auto request = Json::object();
  const auto answer = co_await impl_->call("health", std::move(request), kDeadline);
  if (!answer) co_return tl::unexpected(answer.error());
  co_return health_from(*answer);
}

net::Task<Result<std::string>> EnclaveClient::deploy(DeployRequest workload) {
  auto request = to_json_value(workload);
  const auto answer = co_await impl_->call("deploy", std::move(request), kDeadline);
  if (!answer) co_return tl::unexpected(answer.error());
  ObjectReader reader(*answer, "$");
  auto id = reader.text("id", {.least = 1, .most = 64});
  if (reader.error()) co_return tl::unexpected(unreadable(*reader.error()));
  co_return id;
}

net::Task<Result<std::vector<DeploymentInfo>>> EnclaveClient::list() {
  auto request = Json::object();
  const auto answer = co_await impl_->call("list", std::move(request), kDeadline);
  if (!answer) co_return tl::unexpected(answer.error());
  co_return deployments_from(*answer);
}

net::Task<Result<void>> EnclaveClient::stop(std::string id) {
  auto request = Json::object();
  request["id"] = std::move(id);
  const auto answer = co_await impl_->call("stop", std::move(request), kStopDeadline);
  if (!answer) co_return tl::unexpected(answer.error());
  co_return Result<void>{};
}

net::Task<Result<LogLines>> EnclaveClient::logs(std::string id, std::int64_t tail, std::optional<std::int64_t> from) {
  auto request = Json::object();
  request["id"] = std::move(id);
  request["tail"] = tail;
  if (from) request["from"] = *from;
  const auto answer = co_await impl_->call("logs", std::move(request), kDeadline);
  if (!answer) co_return tl::unexpected(answer.error());
  ObjectReader reader(*answer, "$");
  auto lines = read_log_lines(reader);
  if (reader.error()) co_return tl::unexpected(unreadable(*reader.error()));
  co_return lines;
}

}  // namespace dd::enclave_client
