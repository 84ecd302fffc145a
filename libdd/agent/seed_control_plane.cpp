#include "libdd/agent/seed_control_plane.hpp"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "libdd/core/json.hpp"
#include "libdd/crypto/digest.hpp"
#include "libdd/net/error_body.hpp"
#include "libdd/net/http_client.hpp"
#include "libdd/protocol/seed.hpp"

namespace dd::agent {

net::Task<Result<Registered>> SeedControlPlane::attempt(std::vector<Expose> extras) {
  const auto began_at = std::chrono::steady_clock::now();
  const auto took = [began_at] {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - began_at);
  };
  auto shown = co_await mint();
  if (!shown) co_return tl::unexpected(shown.error());
  Registered registered;
  registered.minting = took();
  const auto& options = context_.options;
  for (const auto& extra : extras) registered.extra_hostnames.push_back(extra.hostname_label);
  const protocol::SeedRegister request{options.vm_name, options.env, options.owner.login, shown->token,
                                       std::move(extras)};
  const auto body = co_await post("/register", to_text(protocol::to_json_value(request)));
  if (!body) co_return wrap(body.error(), "cannot register with a control plane of the earlier system");
  const auto value = parse_json(*body);
  if (!value) co_return tl::unexpected(value.error());
  auto answer = protocol::seed_register_answer_from(*value);
  if (!answer) co_return tl::unexpected(answer.error());
  // Its secret for fleet-wide cookies is left alone: nothing here takes them.
  for (auto& hostname : registered.extra_hostnames) hostname += "." + answer->hostname;
  registered.shown = *std::move(shown);
  registered.tunnel_token = Secret(std::move(answer->tunnel_token));
  registered.membership.agent_id = std::move(answer->agent_id);
  registered.membership.hostname = std::move(answer->hostname);
  registered.membership.refresh = options.refresh_interval;
  registered.took = took();
  co_return registered;
}

net::Task<Result<Shown>> SeedControlPlane::mint() {
  Bytes nonce(32);
  context_.random.fill(nonce);
  std::vector<Digest256> fields{crypto::sha256(nonce)};
  auto quote = co_await context_.capability.quote(std::string(kAttestTag), std::move(fields));
  if (!quote) co_return wrap(quote.error(), "cannot get a quote");
  const auto quoted = quote->quoted_events;
  auto token = co_await context_.minter.mint(std::move(quote->quote), std::move(quote->runtime_data));
  if (!token) co_return wrap(token.error(), "cannot mint a token");
  Shown shown;
  shown.token = *std::move(token);
  shown.binding.tag = kAttestTag;
  shown.binding.quoted_events = quoted;
  co_return shown;
}

net::Task<Result<protocol::IngressAnswer>> SeedControlPlane::replace_ingress(std::vector<Expose> extras) {
  const protocol::SeedIngress wanted{context_.state.membership->agent_id, std::move(extras)};
  const auto body = co_await post("/ingress/replace", to_text(protocol::to_json_value(wanted)));
  if (!body && body.error().code == ErrorCode::not_found)
    co_return fail(ErrorCode::not_found, "agent_unknown", "cannot publish: the control plane does not know this agent");
  if (!body) co_return wrap(body.error(), "cannot publish");
  const auto value = parse_json(*body);
  if (!value) co_return wrap(value.error(), "cannot publish");
  co_return protocol::ingress_answer_from(*value);
}

net::Task<Result<bool>> SeedControlPlane::lists_us() {
  HttpRequest request;
  request.url = context_.cp_origin + "/api/agents";
  const auto body = co_await send(std::move(request));
  if (!body) co_return wrap(body.error(), "cannot ask for the list of agents");
  const auto value = parse_json(*body);
  if (!value) co_return wrap(value.error(), "cannot ask for the list of agents");
  const auto ids = protocol::seed_agent_ids_from(*value);
  if (!ids) co_return wrap(ids.error(), "cannot ask for the list of agents");
  co_return std::ranges::find(*ids, context_.state.membership->agent_id) != ids->end();
}

net::Task<Result<std::string>> SeedControlPlane::post(std::string path, std::string body) {
  HttpRequest request;
  request.method = "POST";
  request.url = context_.cp_origin + path;
  request.headers.set("Content-Type", "application/json");
  request.body = std::move(body);
  auto sending = send(std::move(request));
  co_return co_await std::move(sending);
}

net::Task<Result<std::string>> SeedControlPlane::send(HttpRequest request) {
  request.headers.set("Authorization", "Bearer " + std::string(context_.options.pat.reveal()));
  request.deadline = std::chrono::seconds(60);
  auto response = co_await net::send(context_.transport, std::move(request));
  if (!response) co_return tl::unexpected(response.error());
  if (response->status == 200) co_return std::move(response->body);
  auto error = net::error_from(*response);
  if (response->status == 404) error.code = ErrorCode::not_found;
  if (response->status == 400 || response->status == 401) error.code = ErrorCode::permission_denied;
  co_return tl::unexpected(std::move(error));
}

}  // namespace dd::agent
