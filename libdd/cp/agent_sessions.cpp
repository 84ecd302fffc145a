#include "libdd/cp/agent_sessions.hpp"

#include <nlohmann/json.hpp>

#include "dd/log.hpp"
#include "libdd/core/json.hpp"
#include "libdd/crypto/statement.hpp"
#include "libdd/identity/local_path.hpp"
#include "libdd/identity/session.hpp"
#include "libdd/protocol/fleet.hpp"
#include "libdd/web/sign_in_page.hpp"

namespace dd::cp {
namespace {

constexpr std::chrono::seconds kTokenLife{600};
constexpr std::chrono::seconds kHandoffLife{60};

Result<Digest256> browser_in(const net::ServerRequest& request) {
  const auto bytes = from_base64url(request.query_value("browser").value_or(""));
  const auto digest = bytes ? to_array<32>(*bytes, "browser") : tl::unexpected(bytes.error());
  if (!digest) return fail_at(ErrorCode::invalid_argument, "browser", digest.error().message);
  return *digest;
}

}  // namespace

void AgentSessions::add_routes(net::Router& router) {
  net::RouteOptions owner;
  owner.authenticate = people_.owner_only();
  owner.max_body = 4 * 1024;
  router.add(
      "POST", "/auth/token", [this](const net::ServerRequest& request) { return token(request); }, std::move(owner));
  router.add("GET", "/auth/handoff", [this](const net::ServerRequest& request) { return handoff(request); });
}

Result<AgentRecord> AgentSessions::open_agent(const std::string& agent_id) const {
  const auto* record = context_.store.find(agent_id);
  if (record == nullptr || !is_live(record->status))
    return fail(ErrorCode::not_found, "cannot open agent " + agent_id + ": there is none");
  if (record->status == AgentStatus::quarantined)
    return fail(ErrorCode::conflict, "quarantined",
                "cannot open agent " + record->vm_name + ": it is quarantined: " + record->reason);
  return *record;
}

net::Task<Result<net::ServerResponse>> AgentSessions::token(const net::ServerRequest& request) {
  const auto value = parse_json(request.body);
  if (!value) co_return tl::unexpected(value.error());
  const auto wanted = protocol::token_request_from(*value);
  if (!wanted) co_return tl::unexpected(wanted.error());
  const auto agent = open_agent(wanted->audience);
  if (!agent) co_return tl::unexpected(agent.error());
  const auto visitor = co_await people_.who(request.method, request.headers, request.client);
  if (!visitor) co_return tl::unexpected(visitor.error());
  auto claims = identity::new_session(visitor->person, agent->agent_id, kTokenLife, context_.clock, context_.random);
  if (visitor->session) {
    claims.expires_at = std::min(claims.expires_at, visitor->session->expires_at);
    claims.from = identity::lineage_of(*visitor->session);
  }
  auto compact = co_await context_.capability.sign(std::string(crypto::kSessionTyp), protocol::to_json_value(claims));
  if (!compact) co_return wrap(compact.error(), "cannot sign a session");
  const protocol::TokenAnswer answer{*std::move(compact), claims.expires_at - claims.issued_at};
  co_return net::json_response(to_text(protocol::to_json_value(answer)));
}

net::Task<Result<net::ServerResponse>> AgentSessions::handoff(const net::ServerRequest& request) {
  auto visitor = co_await people_.who(request.method, request.headers, request.client);
  // By cookie alone: a page is for who signed in at a page.
  if (visitor && !visitor->session) visitor = fail(ErrorCode::unauthenticated, "cannot hand off: not signed in");
  if (!visitor) co_return people_.turn_away(request, visitor.error());
  auto page = co_await hand_off(request, *std::move(visitor));
  if (!page)
    co_return web::answer(
        web::message_page(http_status(page.error().code), "Cannot open this agent", page.error().message));
  co_return page;
}

net::Task<Result<net::ServerResponse>> AgentSessions::hand_off(const net::ServerRequest& request, Visitor visitor) {
  const auto agent = open_agent(request.query_value("agent").value_or(""));
  if (!agent) co_return tl::unexpected(agent.error());
  const auto browser = browser_in(request);
  if (!browser) co_return tl::unexpected(browser.error());
  protocol::HandoffClaims claims;
  claims.base = identity::new_session(visitor.person, agent->agent_id, kHandoffLife, context_.clock, context_.random);
  claims.base.from = identity::lineage_of(*visitor.session);
  claims.browser = *browser;
  claims.session_expires_at = visitor.session->expires_at;
  auto statement = co_await context_.capability.sign(std::string(crypto::kHandoffTyp), protocol::to_json_value(claims));
  if (!statement) co_return wrap(statement.error(), "cannot sign a hand-off");
  log::info("handed off", {{"who", visitor.person.login}, {"agent", agent->agent_id}});
  web::HandoffView view{agent->vm_name, context_.agent_url(agent->hostname), *std::move(statement),
                        identity::local_path(request.query_value("next").value_or("/"))};
  co_return web::answer(web::handoff_page(view));
}

}  // namespace dd::cp
