// An agent's pieces around a runtime, a control plane, an appraiser and a GitHub that live in the test.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <nlohmann/json.hpp>

#include "libdd/agent/context.hpp"
#include "libdd/agent/cp_calls.hpp"
#include "libdd/agent/exposer.hpp"
#include "libdd/core/json.hpp"
#include "libdd/crypto/hpke.hpp"
#include "libdd/crypto/jws.hpp"
#include "libdd/crypto/statement.hpp"
#include "libdd/net/line_socket.hpp"
#include "libdd/protocol/fleet.hpp"
#include "libdd/protocol/registration.hpp"
#include "tests/support/ask_route.hpp"
#include "tests/support/scripted_transport.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/identity/fake_github.hpp"

namespace dd::agent {

inline const std::string kOrigin = "https://app.dd.example";
inline const std::string kAgentId = "dd-test-agent-1";
inline const std::string kHostname = "dd-test-agent-1.dd.example";
inline const std::string kOwnerPat = "ghp_owner";

/// Signs and opens with keys of its own; quotes and the log are as the test says.
class FakeCapability final : public enclave_client::Capability {
 public:
  struct Asked {
    std::string tag;
    std::vector<Digest256> fields;
  };

  net::Task<Result<enclave_client::VmKeys>> keys() override { return keys_->keys(); }
  net::Task<Result<std::string>> sign(std::string typ, Json claims) override {
    return keys_->sign(std::move(typ), std::move(claims));
  }
  net::Task<Result<Bytes>> open(std::string info, std::string aad, Bytes sealed) override {
    return keys_->open(std::move(info), std::move(aad), std::move(sealed));
  }
  net::Task<Result<std::int64_t>> seq(std::int64_t count) override {
    if (broken) co_return tl::unexpected(*broken);
    ++blocks;
    const auto first = next_seq;
    next_seq += count;
    co_return first;
  }
  net::Task<Result<enclave_client::BoundQuote>> quote(std::string tag, std::vector<Digest256> fields) override {
    if (broken) co_return tl::unexpected(*broken);
    quotes.push_back({std::move(tag), std::move(fields)});
    co_return enclave_client::BoundQuote{Bytes(8, std::byte{1}), Bytes(8, std::byte{2}), quoted_events, Digest384{}};
  }
  net::Task<Result<protocol::LogPage>> log(std::int64_t from) override {
    if (broken) co_return tl::unexpected(*broken);
    protocol::LogPage page{from, static_cast<std::int64_t>(events.size()), Digest384{}, {}};
    for (auto i = static_cast<std::size_t>(from); i < events.size() && page.events.size() < 2; ++i)
      page.events.push_back(events[i]);
    co_return page;
  }

  net::Task<Result<void>> power_off() override { co_return fail(ErrorCode::permission_denied, "not an agent's"); }

  std::vector<std::string> events = {R"({"index":0,"type":"boot"})", R"({"index":1,"type":"workload"})",
                                     R"({"index":2,"type":"workload"})"};
  std::int64_t quoted_events = 3;
  std::vector<Asked> quotes;
  std::int64_t next_seq = 1000;
  int blocks = 0;
  /// While set, every question but those for keys answers it.
  std::optional<Error> broken;

 private:
  std::unique_ptr<enclave_client::Capability> keys_ = enclave_client::make_local_capability();
};

struct Room {
  explicit Room(AgentOptions base = {}) : options(with_defaults(std::move(base), dir)) {
    if (!server.start()) throw std::runtime_error("cannot start the runtime of the test");
    state.keys = run(capability.keys()).value();
    state.keys.attestation_type = "tdx";
    github.user(kOwnerPat, "octo", 42);
    github.user("ghp_stranger", "stranger", 43);
    cp("POST /register/challenge", [](const HttpRequest&) {
      return test::http_answer(200, to_text(protocol::to_json_value(protocol::ChallengeAnswer{Digest256{}, 120})));
    });
    cp("POST /register", [this](const HttpRequest& request) { return enrol(request); });
  }

  static AgentOptions with_defaults(AgentOptions options, const TempDir& dir) {
    options.env = "test";
    options.owner = {"octo", 42, OwnerKind::user};
    options.vm_name = "vm-1";
    options.cp_url = kOrigin;
    options.join_ticket = Secret("ticket");
    options.state_dir = dir.path() / "state";
    options.steady_after = std::chrono::milliseconds(1);
    options.renew_pause = std::chrono::milliseconds(1);
    options.enclave_socket = dir.path() / "agent.sock";
    return options;
  }

  template <class T>
  T run(net::Task<T> task) {
    return test::run(io, std::move(task));
  }
  /// As if a registration had succeeded.
  void join() {
    Membership membership;
    membership.agent_id = kAgentId;
    membership.hostname = kHostname;
    membership.cp_key = cp_key.public_key();
    state.membership = std::move(membership);
  }
  Result<net::ServerResponse> ask(const net::Router& router, test::RouteCall call) {
    return test::ask(io, router, std::move(call));
  }
  /// A statement by the control plane.
  [[nodiscard]] std::string by_cp(std::string_view typ, const Json& content) const {
    return crypto::sign_jws(cp_key, typ, content);
  }

  using Handler = std::function<Result<HttpResponse>(const HttpRequest&)>;
  void cp(const std::string& call, Handler handler) { cp_routes[call] = std::move(handler); }
  bool quarantined = false;
  /// The runtime cannot say who listens.
  bool fails_with_listeners = false;
  /// The control plane publishes whatever it is asked to, and remembers each list.
  void cp_publishes() {
    cp("POST /ingress/replace", [this](const HttpRequest& request) {
      const auto wanted = protocol::ingress_replace_from(parse_json(request.body).value()).value();
      published.push_back(wanted.extras);
      protocol::IngressAnswer answer{wanted.agent_id, {}, quarantined};
      ++config_version;
      if (says_version) answer.config_version = config_version;
      for (const auto& extra : wanted.extras) answer.extra_hostnames.push_back(extra.hostname_label + "." + kHostname);
      return test::http_answer(200, to_text(protocol::to_json_value(answer)));
    });
  }

  Result<HttpResponse> enrol(const HttpRequest& request) {
    ++registrations;
    const auto text = parse_json(request.body).value().at("registration").get<std::string>();
    const auto statement = crypto::parse_statement(text, crypto::kRegisterTyp).value();
    const auto announced =
        crypto::parse_statement(*request.headers.find(protocol::kRegisterHeader), crypto::kRegisterHeadTyp).value();
    head = protocol::register_head_from(*announced.claims).value();
    claims = protocol::register_claims_from(*statement.claims, "$").value();
    protocol::RegisterAnswer answer;
    answer.agent_id = kAgentId;
    answer.hostname = kHostname;
    answer.cp_hostname = "app.dd.example";
    answer.cp_key = cp_key.public_key();
    answer.tunnel_token_sealed = crypto::hpke_seal(claims.sealing_key, as_bytes(kRegisterTag), as_bytes(sealed_for),
                                                   as_bytes("run token"), system_random())
                                     .value();
    for (const auto& extra : claims.extra_ingress)
      answer.extra_hostnames.push_back(extra.hostname_label + "." + kHostname);
    answer.refresh_secs = refresh_secs;
    answer.poll_interval_secs = poll_interval_secs;
    answer.verdict = "{}";
    return test::http_answer(200, to_text(protocol::to_json_value(answer)));
  }

  Result<HttpResponse> carry(const HttpRequest& request) {
    if (request.url.starts_with(identity::kApi)) return github(request);
    if (request.url.starts_with(options.ita_base_url)) return appraise(request);
    const auto route = cp_routes.find(request.method + " " + request.url.substr(kOrigin.size()));
    if (!request.url.starts_with(kOrigin) || route == cp_routes.end()) return test::http_answer(404, "{}");
    return route->second(request);
  }

  net::Task<std::string> reply(std::string line) {
    const auto asked = last_asked = parse_json(line).value();
    runtime_calls.push_back(asked.at("method").get<std::string>());
    if (runtime_refusal) co_return to_text(*runtime_refusal);
    Json answer = {{"ok", true}};
    const auto method = runtime_calls.back();
    if (method == "list") {
      if (on_list) on_list();
      if (fails_with_listeners && asked.value("listeners", false)) co_return R"({"ok":false,"error":"cannot look"})";
      answer["deployments"] = Json::array();
      for (const auto& info : deployments) answer["deployments"].push_back(dd::to_json_value(info));
    }
    if (method == "wait") {
      // At once, also before it listens.
      const auto info = std::ranges::find(deployments, asked.at("id").get<std::string>(), &DeploymentInfo::id);
      if (!waits || info == deployments.end()) co_return R"({"ok":false,"error":"unknown method: wait"})";
      answer["deployment"] = dd::to_json_value(*info);
    }
    if (method == "deploy") {
      for (auto& info : deployments)
        if (info.app_name == after_deploy.app_name && !asked.value("overlap", false))
          info.status = DeploymentStatus::stopped;
      deployments.push_back(after_deploy);
      answer["id"] = after_deploy.id;
      if (on_deploy) on_deploy();
      answer["status"] = "deploying";
    }
    if (method == "redeploy") {
      const auto before = std::ranges::find(deployments, asked.at("id").get<std::string>(), &DeploymentInfo::id);
      if (!redeploys || before == deployments.end()) co_return R"({"ok":false,"error":"unknown method: redeploy"})";
      redeployed = before->id;
      auto again = *before;
      again.id = "id-again";
      again.status = DeploymentStatus::running;
      again.rollback_of = asked.value("rollback_of", "");
      deployments.push_back(again);
      answer["id"] = again.id;
      if (on_redeploy) on_redeploy();
    }
    if (method == "stop") {
      if (on_stop) on_stop();
      for (auto& info : deployments) {
        if (info.id != asked.at("id").get<std::string>()) continue;
        if (!is_live(info.status)) co_return R"({"ok":false,"error":"it is over","code":"conflict"})";
        info.status = DeploymentStatus::stopped;
      }
    }
    if (method == "exec") answer.update(executed);
    if (method == "attach") answer.update({{"attached", true}, {"id", "id-terminal"}});
    if (method == "logs") {
      const auto from = asked.value("from", 7);
      answer["lines"] = Json::array({"tail " + std::to_string(asked.at("tail").get<int>())});
      answer["first"] = from;
      answer["next"] = from + 1;
    }
    co_return to_text(answer);
  }

  TempDir dir;
  net::asio::io_context io;
  ManualClock clock{Clock::TimePoint(std::chrono::seconds(1'790'000'000))};
  AgentOptions options;
  FakeCapability capability;
  identity::FakeGithub github;
  crypto::OkpPrivateKey cp_key = crypto::OkpPrivateKey::generate(crypto::Curve::ed25519, system_random());

  // The control plane.
  std::map<std::string, Handler> cp_routes;
  std::vector<std::vector<Expose>> published;
  std::int64_t config_version = 10;  // of the last one
  bool says_version = true;
  protocol::RegisterClaims claims;  // of the last registration
  protocol::RegisterHead head;
  int registrations = 0;
  std::string sealed_for = kAgentId;
  std::int64_t refresh_secs = 180;
  std::int64_t poll_interval_secs = 30;
  // The appraiser.
  Handler appraise = [](const HttpRequest&) { return test::http_answer(200, R"({"token":"a.b.c"})"); };
  // The runtime.
  std::vector<DeploymentInfo> deployments;
  DeploymentInfo after_deploy;
  std::function<void()> on_deploy;  // what the process then does
  std::function<void()> on_list;    // before it is answered
  std::function<void()> on_redeploy;
  std::function<void()> on_stop;    // before it is carried out
  bool waits = false;               // as runtimes of ours do
  bool redeploys = true;            // as runtimes of ours do
  std::string redeployed;           // the last one
  std::vector<std::string> runtime_calls;
  Json last_asked;
  Json executed;  // the answer to exec
  std::optional<Json> runtime_refusal;
  net::LineServer server{io.get_executor(), [this](std::string line, net::Peer) { return reply(std::move(line)); },
                         server_options()};
  net::LineServerOptions server_options() const {
    net::LineServerOptions server_options;
    server_options.path = options.enclave_socket;
    return server_options;
  }

  std::shared_ptr<test::ScriptedTransport> transport =
      std::make_shared<test::ScriptedTransport>([this](const HttpRequest& request) { return carry(request); });
  enclave_client::EnclaveClient runtime{io.get_executor(), options.enclave_socket, Secret("token")};
  ita::Minter minter{transport, {options.ita_base_url, Secret("key")}};
  identity::PatVerifier owners{io.get_executor(), transport, clock, {identity::kApi, options.owner}};
  State state;
  Context context{options,    kOrigin,    io.get_executor(), clock,  system_random(),
                  *transport, capability, runtime,           minter, owners,
                  state,      9090};
  SequenceNumbers numbers{io.get_executor(), capability};
  CpCalls calls{context, numbers};
};

inline DeploymentInfo running(std::string app_name, std::vector<Expose> expose = {}) {
  DeploymentInfo info;
  info.id = "id-" + app_name;
  info.app_name = std::move(app_name);
  info.status = DeploymentStatus::running;
  info.expose = std::move(expose);
  return info;
}

}  // namespace dd::agent
