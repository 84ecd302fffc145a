#include "libdd/enclave/workload_socket.hpp"

#include <unistd.h>

#include <algorithm>

#include <nlohmann/json.hpp>

#include "libdd/enclave/answers.hpp"
#include "libdd/enclave/attach.hpp"
#include "libdd/enclave/exec.hpp"
#include "libdd/enclave/report_data_field.hpp"

namespace dd::enclave {
namespace {

constexpr std::int64_t kDefaultTail = 100;
constexpr std::chrono::milliseconds kDefaultWait{60'000};
constexpr std::chrono::milliseconds kLongestWait{600'000};

bool owns_the_machine(const net::Peer& peer) { return peer.uid == 0 || peer.uid == geteuid(); }

Result<std::string> id_from(ObjectReader& reader) {
  auto id = reader.optional_text("id", {.least = 1, .most = 128});
  if (reader.error()) return tl::unexpected(*reader.error());
  if (!id) return fail_at(ErrorCode::malformed, "$.id", "missing id");
  return *std::move(id);
}

}  // namespace

struct WorkloadSocket::Call {
  std::string method;
  Json request;
};

WorkloadSocket::WorkloadSocket(const Settings& settings, Runtime& runtime, MeasuredLog& log, const VmKeys& keys)
    : settings_(settings), runtime_(runtime), log_(log), keys_(keys) {}

net::Task<net::LineReply> WorkloadSocket::answer(std::string line, net::Peer peer) {
  net::LineReply reply;
  auto admitted = admitted_call(line, peer);
  if (!admitted) {
    reply.line = answer_line(tl::unexpected(admitted.error()));
    co_return reply;
  }
  if (admitted->method == "attach") {
    reply = co_await attach(runtime_, std::move(admitted->request));
    co_return reply;
  }
  auto outcome = co_await call(std::move(admitted->method), std::move(admitted->request), peer);
  reply.line = answer_line(std::move(outcome));
  co_return reply;
}

Result<WorkloadSocket::Call> WorkloadSocket::admitted_call(std::string_view line, const net::Peer& peer) const {
  auto request = parse_json(line);
  if (!request) return wrap(request.error(), "invalid json");
  if (!request->is_object()) return fail_at(ErrorCode::malformed, "$", "invalid json: want an object");
  if (const auto admitted = admit(*request, peer); !admitted) return tl::unexpected(admitted.error());
  ObjectReader reader(*request, "$");
  auto method = reader.optional_text("method", {.most = 64});
  if (reader.error()) return tl::unexpected(*reader.error());
  if (!method) return fail_at(ErrorCode::malformed, "$.method", "missing method");
  const bool enters_app = (*method == "exec" || *method == "attach") && request->contains("app");
  if (enters_app && !owns_the_machine(peer) && !runtime_.is_platform(peer.uid))
    return fail(ErrorCode::permission_denied, "cannot " + *method + ": into an app only agent and control plane may");
  return Call{*std::move(method), *std::move(request)};
}

Result<void> WorkloadSocket::admit(const Json& request, const net::Peer& peer) const {
  const auto token = request.find("token");
  const bool right =
      token != request.end() && token->is_string() && Secret(token->get<std::string>()) == settings_.token;
  if (!right) return fail(ErrorCode::unauthenticated, "unauthenticated");
  if (owns_the_machine(peer) || runtime_.is_trusted(peer.uid)) return {};
  return fail(ErrorCode::permission_denied,
              "cannot answer: uid " + std::to_string(peer.uid) + " is not one that the token was given to");
}

net::Task<Result<Json>> WorkloadSocket::call(std::string method, Json request, net::Peer peer) {
  if (method == "health") co_return health();
  if (method == "list") co_return co_await list(std::move(request));
  if (method == "wait") co_return co_await wait(std::move(request));
  if (method == "logs") co_return logs(request);
  if (method == "deploy") co_return deploy(std::move(request));
  if (method == "redeploy") co_return redeploy(request);
  if (method == "exec") co_return co_await exec(runtime_, std::move(request), peer.gone);
  if (method == "commands") co_return protocol::to_json_value(runtime_.guests().running());
  if (method == "stop") co_return co_await stop(std::move(request));
  if (method == "attest") co_return co_await attest(std::move(request), peer);
  co_return fail_at(ErrorCode::unsupported, "$.method", "unknown method: " + method);
}

Json WorkloadSocket::health() const {
  const auto uptime = std::chrono::steady_clock::now() - started_;
  return {{"attestation_type", log_.attestation_type()},
          {"workloads", runtime_.deployments().all().size()},
          {"uptime_secs", std::chrono::duration_cast<std::chrono::seconds>(uptime).count()},
          {"boot_id", keys_.boot_id()},
          {"boundary", settings_.boundary()}};
}

net::Task<Result<Json>> WorkloadSocket::list(Json request) {
  ObjectReader reader(request, "$");
  const bool listeners = reader.boolean("listeners", false);
  if (reader.error()) co_return tl::unexpected(*reader.error());
  auto deployments = Json::array();
  if (listeners) {
    const auto all = co_await runtime_.with_listeners();
    for (const auto& info : all) deployments.push_back(to_json_value(info));
  } else {
    for (const auto& deployment : runtime_.deployments().all()) deployments.push_back(to_json_value(deployment->info));
  }
  Json answer = {{"deployments", std::move(deployments)}};
  co_return answer;
}

net::Task<Result<Json>> WorkloadSocket::wait(Json request) {
  ObjectReader reader(request, "$");
  auto id = id_from(reader);
  const auto until = reader.optional_text("until", {.most = 16}).value_or("listening");
  const std::chrono::milliseconds timeout(
      reader.optional_integer("timeout_ms", 0, kLongestWait.count()).value_or(kDefaultWait.count()));
  if (!id) co_return tl::unexpected(id.error());
  if (reader.error()) co_return tl::unexpected(*reader.error());
  if (until != "listening" && until != "ended")
    co_return fail_at(ErrorCode::invalid_argument, "$.until", "cannot wait for " + until + ": want listening or ended");
  const auto what = until == "ended" ? Runtime::Until::ended : Runtime::Until::listening;
  const auto info = co_await runtime_.wait(*std::move(id), what, timeout);
  if (!info) co_return tl::unexpected(info.error());
  Json answer = {{"deployment", to_json_value(*info)}};
  co_return answer;
}

Result<Json> WorkloadSocket::logs(const Json& request) const {
  ObjectReader reader(request, "$");
  const auto id = id_from(reader);
  const auto tail = reader.optional_integer("tail", 0, kMaxLogLines).value_or(kDefaultTail);
  const auto from = reader.optional_integer("from", 0, kMaxLogLine);
  if (!id) return tl::unexpected(id.error());
  if (reader.error()) return tl::unexpected(*reader.error());
  const auto deployment = runtime_.deployments().find(*id);
  if (!deployment) return fail(ErrorCode::not_found, "deployment not found");
  const auto count = static_cast<std::size_t>(tail);
  auto answer = Json::object();
  put(answer, from ? deployment->log.from(*from, count) : deployment->log.tail(count));
  return answer;
}

Result<Json> WorkloadSocket::deploy(Json request) {
  request.erase("method");
  request.erase("token");
  auto workload = deploy_request_from(request);
  if (!workload) return wrap(workload.error(), "invalid deploy request");
  for (std::size_t i = 0; i < workload->expose.size(); ++i)
    if (workload->expose[i].port == 0)
      return fail_at(ErrorCode::invalid_argument, "$.expose[" + std::to_string(i) + "].port",
                     "invalid deploy request: ports are chosen by the agent");
  const auto id = runtime_.deploy(*std::move(workload));
  if (!id) return tl::unexpected(id.error());
  return Json{{"id", *id}, {"status", to_string(DeploymentStatus::deploying)}};
}

Result<Json> WorkloadSocket::redeploy(const Json& request) {
  ObjectReader reader(request, "$");
  const auto before = id_from(reader);
  auto rollback_of = reader.optional_text("rollback_of", {.least = 1, .most = 128}).value_or("");
  if (!before) return tl::unexpected(before.error());
  if (reader.error()) return tl::unexpected(*reader.error());
  const auto id = runtime_.deploy_again(*before, std::move(rollback_of));
  if (!id) return tl::unexpected(id.error());
  return Json{{"id", *id}, {"status", to_string(DeploymentStatus::deploying)}};
}

net::Task<Result<Json>> WorkloadSocket::stop(Json request) {
  ObjectReader reader(request, "$");
  auto id = id_from(reader);
  if (!id) co_return tl::unexpected(id.error());
  const auto stopped = co_await runtime_.stop(*std::move(id));
  if (!stopped) co_return tl::unexpected(stopped.error());
  co_return Json::object();
}

net::Task<Result<Json>> WorkloadSocket::attest(Json request, net::Peer peer) {
  // A quote over chosen data is for those who have the machine anyway; everyone else gets quotes that are bound to keys and log.
  if (!owns_the_machine(peer))
    co_return fail(ErrorCode::permission_denied, "cannot attest: chosen report data is for root");
  const auto chosen = report_data_from(request);
  if (!chosen) co_return tl::unexpected(chosen.error());
  const auto quote = co_await log_.unbound_quote(padded(*chosen));
  if (!quote) co_return tl::unexpected(quote.error());
  Json answer = {{"attestation_type", log_.attestation_type()},
                 {"quote_format", "tdx"},
                 {"quote_b64", to_base64(quote->raw())},
                 {"report_data_b64", to_base64(*chosen)},
                 {"report_data_len", chosen->size()}};
  co_return answer;
}

}  // namespace dd::enclave
