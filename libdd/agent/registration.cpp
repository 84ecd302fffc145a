#include "libdd/agent/registration.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "libdd/agent/cp_calls.hpp"
#include "libdd/agent/seed_control_plane.hpp"
#include "libdd/core/json.hpp"
#include "libdd/crypto/digest.hpp"
#include "libdd/crypto/statement.hpp"
#include "libdd/net/http_client.hpp"

namespace dd::agent {
namespace {

std::chrono::milliseconds milliseconds_since(std::chrono::steady_clock::time_point then) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - then);
}

}  // namespace

net::Task<Result<Registered>> Registration::attempt(std::vector<Expose> extras) {
  if (context_.options.compat) {
    SeedControlPlane seed(context_);
    auto attempting = seed.attempt(std::move(extras));
    co_return co_await std::move(attempting);
  }
  const auto began_at = std::chrono::steady_clock::now();
  const auto nonce = co_await challenge();
  if (!nonce) co_return wrap(nonce.error(), "cannot get a challenge");
  auto claims = claims_for(*nonce, std::move(extras));
  const auto proven = co_await prove(claims);
  if (!proven) co_return tl::unexpected(proven.error());

  Registered registered;
  registered.minting = *proven;
  registered.shown.token = claims.ita_token;
  registered.shown.binding = {std::string(kRegisterTag), *nonce, claims.quoted_events};
  auto answer = co_await submit(std::move(claims));
  if (!answer) co_return wrap(answer.error(), "cannot register");
  auto token = co_await open_run_token(context_, answer->agent_id, std::move(answer->tunnel_token_sealed));
  if (!token) co_return tl::unexpected(token.error());
  registered.tunnel_token = *std::move(token);
  registered.extra_hostnames = std::move(answer->extra_hostnames);
  registered.took = milliseconds_since(began_at);
  const auto refresh = std::min<std::chrono::milliseconds>(context_.options.refresh_interval,
                                                           std::chrono::seconds(answer->refresh_secs));
  registered.membership = {answer->agent_id, answer->hostname, answer->cp_key, refresh,
                           std::chrono::seconds(answer->poll_interval_secs)};
  co_return registered;
}

net::Task<Result<Digest256>> Registration::challenge() {
  HttpRequest request;
  request.method = "POST";
  request.url = context_.cp_origin + "/register/challenge";
  const auto response = co_await net::send(context_.transport, std::move(request));
  if (!response) co_return tl::unexpected(response.error());
  if (response->status != 200) co_return tl::unexpected(net::error_from(*response));
  const auto value = parse_json(response->body);
  if (!value) co_return tl::unexpected(value.error());
  const auto answer = protocol::challenge_answer_from(*value);
  if (!answer) co_return tl::unexpected(answer.error());
  co_return answer->nonce;
}

protocol::RegisterClaims Registration::claims_for(Digest256 nonce, std::vector<Expose> extras) const {
  const auto& options = context_.options;
  protocol::RegisterClaims claims;
  claims.audience = context_.cp_origin;
  claims.issued_at = context_.clock.unix_seconds();
  claims.vm_name = options.vm_name;
  claims.env_label = options.env;
  claims.owner = options.owner.login;
  claims.nonce = nonce;
  claims.signing_key = context_.state.keys.signing;
  claims.sealing_key = context_.state.keys.sealing;
  claims.boot_id = context_.state.keys.boot_id;
  claims.extra_ingress = std::move(extras);
  claims.agent_port = context_.port;
  return claims;
}

net::Task<Result<std::chrono::milliseconds>> Registration::prove(protocol::RegisterClaims& claims) {
  const auto hashed = protocol::hashed_claims(protocol::to_json_value(claims));
  if (!hashed) co_return tl::unexpected(hashed.error());
  std::vector<Digest256> fields{claims.nonce, crypto::sha256(as_bytes(context_.cp_origin)), *hashed};
  auto quote = co_await context_.capability.quote(std::string(kRegisterTag), std::move(fields));
  if (!quote) co_return wrap(quote.error(), "cannot get a quote");
  claims.quoted_events = quote->quoted_events;
  const auto asked_at = std::chrono::steady_clock::now();
  auto token = co_await context_.minter.mint(std::move(quote->quote), std::move(quote->runtime_data));
  if (!token) co_return wrap(token.error(), "cannot mint a token");
  const auto minting = milliseconds_since(asked_at);
  claims.ita_token = *std::move(token);
  // What happened since the quote is left for the first poll, so that the log shown is exactly the one that was quoted.
  auto events = co_await first_events(claims.quoted_events);
  if (!events) co_return wrap(events.error(), "cannot read the event log");
  claims.event_log = *std::move(events);
  co_return minting;
}

net::Task<Result<std::vector<std::string>>> Registration::first_events(std::int64_t count) {
  std::vector<std::string> events;
  while (static_cast<std::int64_t>(events.size()) < count) {
    auto page = co_await context_.capability.log(static_cast<std::int64_t>(events.size()));
    if (!page) co_return tl::unexpected(page.error());
    if (page->events.empty())
      co_return fail(ErrorCode::upstream, "cannot read the event log: it ends at " + std::to_string(events.size()));
    for (auto& event : page->events) events.push_back(std::move(event));
  }
  events.resize(static_cast<std::size_t>(count));
  co_return events;
}

net::Task<Result<protocol::RegisterAnswer>> Registration::submit(protocol::RegisterClaims claims) {
  auto statement =
      co_await context_.capability.sign(std::string(crypto::kRegisterTyp), protocol::to_json_value(claims));
  if (!statement) co_return wrap(statement.error(), "cannot sign");
  const Json body = {{"registration", *statement}};
  auto text = to_text(body);
  const protocol::RegisterHead head{claims.audience,
                                    claims.issued_at,
                                    claims.vm_name,
                                    claims.nonce,
                                    claims.signing_key,
                                    crypto::sha256(as_bytes(text)),
                                    static_cast<std::int64_t>(text.size())};
  auto announced =
      co_await context_.capability.sign(std::string(crypto::kRegisterHeadTyp), protocol::to_json_value(head));
  if (!announced) co_return wrap(announced.error(), "cannot sign");
  const Secret& credential = context_.options.join_ticket.empty() ? context_.options.pat : context_.options.join_ticket;
  HttpRequest request;
  request.method = "POST";
  request.url = context_.cp_origin + "/register";
  request.headers.set("Content-Type", "application/json");
  request.headers.set("Authorization", "Bearer " + std::string(credential.reveal()));
  request.headers.set(protocol::kRegisterHeader, *announced);
  request.body = std::move(text);
  request.deadline = std::chrono::seconds(60);
  const auto response = co_await net::send(context_.transport, std::move(request));
  if (!response) co_return tl::unexpected(response.error());
  if (response->status != 200) co_return tl::unexpected(net::error_from(*response));
  const auto value = parse_json(response->body);
  if (!value) co_return tl::unexpected(value.error());
  co_return protocol::register_answer_from(*value);
}

net::Task<bool> Registration::control_plane_has_new_key() {
  if (context_.options.compat) co_return false;
  HttpRequest request;
  request.url = context_.cp_origin + "/api/key";
  request.deadline = std::chrono::seconds(5);
  const auto response = co_await net::send(context_.transport, std::move(request));
  if (!response || response->status != 200 || !context_.state.membership) co_return false;
  const auto value = parse_json(response->body);
  if (!value || !value->is_object() || !value->contains("cp_key")) co_return false;
  const auto key = crypto::OkpPublicKey::from_jwk(value->at("cp_key"), crypto::Curve::ed25519);
  co_return key && *key != context_.state.membership->cp_key;
}

}  // namespace dd::agent
