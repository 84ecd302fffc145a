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
// What a command may take beyond its timeout: to be measured and started, and to be seen to its end.
constexpr auto kExecMargin = 60s;

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
  std::filesystem::path socket;
  Secret token;

  [[nodiscard]] std::string line_of(const char* method, Json request) const {
    request["method"] = method;
    if (!token.empty()) request["token"] = std::string(token.reveal());
    return to_text(request);
  }

  net::Task<Result<Json>> call(const char* method, Json request, std::chrono::milliseconds deadline) {
    auto text = line_of(method, std::move(request));
    const auto answer = co_await line.call(std::move(text), deadline);
    if (!answer) co_return wrap(answer.error(), "cannot ask the workload runtime");
    co_return answer_from(*answer);
  }

  struct Opened {
    Json json;
    std::shared_ptr<net::ByteConnection> connection;
  };
  /// Over a connection of its own: other calls go on.
  net::Task<Result<Opened>> call_beside(const char* method, Json request, std::chrono::milliseconds deadline,
                                        std::stop_token given_up) {
    auto text = line_of(method, std::move(request));
    auto opened = co_await net::open_connection(socket, std::move(text), deadline, std::move(given_up));
    if (!opened) co_return wrap(opened.error(), "cannot ask the workload runtime");
    auto answer = answer_from(opened->answer);
    if (!answer) co_return tl::unexpected(answer.error());
    Opened both{*std::move(answer), std::move(opened->connection)};
    co_return both;
  }

  net::Task<Result<Opened>> call_beside(const char* method, Json request, std::chrono::milliseconds deadline) {
    return call_beside(method, std::move(request), deadline, std::stop_token());
  }

  /// The id of what a call has started.
  net::Task<Result<std::string>> start(const char* method, Json request) {
    const auto answer = co_await call(method, std::move(request), kDeadline);
    if (!answer) co_return tl::unexpected(answer.error());
    ObjectReader reader(*answer, "$");
    auto id = reader.text("id", {.least = 1, .most = 64});
    if (reader.error()) co_return tl::unexpected(unreadable(*reader.error()));
    co_return id;
  }

  net::Task<Result<std::vector<DeploymentInfo>>> list(Json request) {
    const auto answer = co_await call("list", std::move(request), kDeadline);
    if (!answer) co_return tl::unexpected(answer.error());
    co_return deployments_from(*answer);
  }
};

EnclaveClient::EnclaveClient(net::asio::any_io_executor executor, std::filesystem::path socket, Secret token)
    : impl_(new Impl{net::LineClient(std::move(executor), socket), socket, std::move(token)}) {}
EnclaveClient::~EnclaveClient() = default;

net::Task<Result<RuntimeHealth>> EnclaveClient::health() {
  auto request = Json::object();
  const auto answer = co_await impl_->call("health", std::move(request), kDeadline);
  if (!answer) co_return tl::unexpected(answer.error());
  co_return health_from(*answer);
}

net::Task<Result<std::string>> EnclaveClient::deploy(DeployRequest workload) {
  return impl_->start("deploy", to_json_value(workload));
}

net::Task<Result<std::string>> EnclaveClient::deploy_again(std::string id, std::string rollback_of) {
  Json request = {{"id", std::move(id)}};
  if (!rollback_of.empty()) request["rollback_of"] = std::move(rollback_of);
  return impl_->start("redeploy", std::move(request));
}

net::Task<Result<std::vector<DeploymentInfo>>> EnclaveClient::list() {
  auto request = Json::object();
  return impl_->list(std::move(request));
}

net::Task<Result<std::vector<DeploymentInfo>>> EnclaveClient::list_with_listeners() {
  Json request = {{"listeners", true}};
  return impl_->list(std::move(request));
}

net::Task<Result<DeploymentInfo>> EnclaveClient::wait(std::string id, Until until, std::chrono::milliseconds timeout) {
  Json request = {
      {"id", std::move(id)}, {"until", until == Until::ended ? "ended" : "listening"}, {"timeout_ms", timeout.count()}};
  const auto answer = co_await impl_->call_beside("wait", std::move(request), timeout + kDeadline);
  if (!answer) co_return tl::unexpected(answer.error());
  ObjectReader reader(answer->json, "$");
  const auto* deployment = reader.find("deployment");
  if (deployment == nullptr)
    co_return tl::unexpected(unreadable({ErrorCode::malformed, "missing deployment", {}, "$.deployment"}));
  auto info = deployment_info_from(*deployment, "$.deployment");
  if (!info) co_return tl::unexpected(unreadable(info.error()));
  co_return info;
}

net::Task<Result<void>> EnclaveClient::stop(std::string id) {
  auto request = Json::object();
  request["id"] = std::move(id);
  // Not in line with the others: it lasts as long as the workload takes to go, and waits for what is under way for the app.
  const auto answer = co_await impl_->call_beside("stop", std::move(request), kStopDeadline);
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

net::Task<Result<DeploymentInfo>> EnclaveClient::find(std::string app_name, DeploymentChoice choice) {
  const auto all = co_await list();
  if (!all) co_return tl::unexpected(all.error());
  co_return choose_deployment(*all, app_name, choice);
}

net::Task<Result<DeploymentInfo>> EnclaveClient::find(std::string app_name) {
  DeploymentChoice current;
  return find(std::move(app_name), std::move(current));
}

net::Task<Result<protocol::LogsAnswer>> EnclaveClient::log_of(DeploymentInfo info, std::int64_t tail,
                                                              std::optional<std::int64_t> from) {
  auto lines = co_await logs(info.id, tail, from);
  if (!lines) co_return tl::unexpected(lines.error());
  protocol::LogsAnswer answer{info.app_name, info.id, std::string(dd::to_string(info.status)), *std::move(lines)};
  co_return answer;
}

net::Task<Result<protocol::ExecAnswer>> EnclaveClient::exec(protocol::ExecRequest request, std::stop_token given_up) {
  const auto deadline = request.timeout + kExecMargin;
  auto wanted = protocol::to_json_value(request);
  const auto answer = co_await impl_->call_beside("exec", std::move(wanted), deadline, std::move(given_up));
  if (!answer) co_return tl::unexpected(answer.error());
  auto executed = protocol::exec_answer_from(answer->json);
  if (!executed) co_return tl::unexpected(unreadable(executed.error()));
  co_return executed;
}

net::Task<Result<std::vector<protocol::RunningCommand>>> EnclaveClient::commands() {
  auto request = Json::object();
  const auto answer = co_await impl_->call("commands", std::move(request), kDeadline);
  if (!answer) co_return tl::unexpected(answer.error());
  auto commands = protocol::running_commands_from(*answer);
  if (!commands) co_return tl::unexpected(unreadable(commands.error()));
  co_return commands;
}

net::Task<Result<std::shared_ptr<Terminal>>> EnclaveClient::attach(std::string app_name, protocol::WindowSize size) {
  Json request = {{"mode", "framed"}, {"cols", size.cols}, {"rows", size.rows}};
  if (!app_name.empty()) request["app"] = std::move(app_name);
  const auto answer = co_await impl_->call_beside("attach", std::move(request), kDeadline);
  if (!answer) co_return tl::unexpected(answer.error());
  ObjectReader reader(answer->json, "$");
  const bool attached = reader.required_boolean("attached");
  auto id = reader.text("id", {.most = 64});
  if (reader.error()) co_return tl::unexpected(unreadable(*reader.error()));
  if (!attached) co_return fail(ErrorCode::upstream, "cannot attach: the runtime says that it did not");
  co_return std::make_shared<Terminal>(std::move(id), answer->connection);
}

}  // namespace dd::enclave_client
