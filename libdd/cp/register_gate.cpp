#include "libdd/cp/register_gate.hpp"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "libdd/core/json.hpp"
#include "libdd/cp/people.hpp"
#include "libdd/crypto/statement.hpp"

namespace dd::cp {
namespace {

struct SignedHead {
  crypto::ParsedJws statement;
  protocol::RegisterHead head;
};

Result<SignedHead> head_in(const HttpHeaders& headers) {
  const auto* header = headers.find(protocol::kRegisterHeader);
  if (header == nullptr)
    return fail(ErrorCode::malformed,
                "cannot register: header DD-Register is missing; agents of earlier versions send none");
  auto statement = crypto::parse_statement(*header, crypto::kRegisterHeadTyp);
  if (!statement) return wrap(statement.error(), "cannot register: header DD-Register");
  auto head = protocol::register_head_from(*statement->claims);
  if (!head) return wrap(head.error(), "cannot register: header DD-Register");
  return SignedHead{*std::move(statement), *std::move(head)};
}

/// The server looks at the route's own limit.
Result<void> check_length(const HttpHeaders& headers, const protocol::RegisterHead& head) {
  const auto* length = headers.find("Content-Length");
  if (length == nullptr || *length == std::to_string(head.body_bytes)) return {};
  return fail(ErrorCode::malformed,
              "cannot register: the body has " + *length + " bytes, announced are " + std::to_string(head.body_bytes));
}

}  // namespace

tl::unexpected<Error> name_held(const std::string& vm_name) {
  return fail(ErrorCode::conflict, "name_held", "cannot register: VM name " + vm_name + " is held by another live key");
}

net::Task<Result<std::string>> RegisterGate::authenticate(const net::ServerRequest& request) {
  auto credential = identity::bearer_token(request.headers);
  if (!credential) co_return tl::unexpected(credential.error());
  const auto shown_head = head_in(request.headers);
  if (!shown_head) co_return tl::unexpected(shown_head.error());
  const auto head = shown_head->head;
  if (const auto fits = check_length(request.headers, head); !fits) co_return tl::unexpected(fits.error());

  const auto ours = context_.nonces.check_register(head.nonce, kNonceLife);
  if (!ours) co_return tl::unexpected(ours.error());
  const crypto::StatementRule rule{crypto::kRegisterHeadTyp, context_.origin, crypto::Expiry::absent,
                                   context_.clock.unix_seconds()};
  const auto signed_by = crypto::verify_statement(shown_head->statement, head.signing_key, rule);
  if (!signed_by) co_return wrap(signed_by.error(), "cannot register");
  const auto kid = head.signing_key.kid();
  if (context_.store.is_denied(kid))
    co_return fail(ErrorCode::permission_denied, "revoked", "cannot register: this key was revoked");

  const auto shown = co_await check_credential(*std::move(credential), kid, head.vm_name, request.client);
  if (!shown) co_return tl::unexpected(shown.error());
  // Somebody with the same one may have been found in time already, and be waiting for GitHub's word.
  const auto until = context_.clock.unix_seconds() + 2 * kNonceLife.count();
  const auto spent = co_await context_.store.spend_nonce(head.nonce, until);
  if (!spent) co_return tl::unexpected(spent.error());
  co_return std::string(*shown ? kByCredential : kByKey);
}

Result<protocol::RegisterHead> RegisterGate::head_of(const net::ServerRequest& request) const {
  auto shown = head_in(request.headers);
  if (!shown) return tl::unexpected(shown.error());
  return std::move(shown->head);
}

net::Task<Result<bool>> RegisterGate::check_credential(Secret credential, std::string kid, std::string vm_name,
                                                       std::string client) {
  if (needs_no_credential(vm_name, kid)) co_return false;
  const auto shown = co_await check_shown(std::move(credential), kid, vm_name, std::move(client));
  if (shown) co_return true;
  const bool refused = is_refusal(shown.error());
  if (refused && context_.store.find_live(vm_name) != nullptr && context_.store.remembers(vm_name, kid))
    co_return name_held(vm_name);
  co_return tl::unexpected(shown.error());
}

bool RegisterGate::needs_no_credential(const std::string& vm_name, const std::string& kid) const {
  const auto* holder = context_.store.find_live(vm_name);
  if (holder == nullptr) return renewable(vm_name, kid) != nullptr;
  // What came without attestation has no key, and so none that it could be known by.
  return !holder->compat && holder->signing_key.kid() == kid;
}

const AgentRecord* RegisterGate::renewable(const std::string& vm_name, const std::string& kid) const {
  const auto renew_for = std::chrono::duration_cast<std::chrono::seconds>(context_.options.renew_for).count();
  return context_.store.find_renewable(vm_name, kid, context_.clock.unix_seconds() - renew_for);
}

net::Task<Result<void>> RegisterGate::check_shown(Secret credential, std::string kid, std::string vm_name,
                                                  std::string client) {
  const std::string text(credential.reveal());
  if (std::count(text.begin(), text.end(), '.') == 2) co_return co_await check_ticket(text, kid, vm_name);

  const auto person = co_await context_.owners.verify(std::move(credential), std::move(client));
  if (person) co_return Result<void>();
  if (!is_refusal(person.error())) co_return wrap(person.error(), "cannot check join credential");
  co_return fail(ErrorCode::unauthenticated, "join_credential_invalid", "cannot register: " + person.error().message);
}

net::Task<Result<void>> RegisterGate::check_ticket(std::string ticket, std::string kid, std::string vm_name) {
  const auto refused = [](const std::string& why) {
    return fail(ErrorCode::unauthenticated, "join_credential_invalid", "cannot accept join ticket: " + why);
  };
  const auto statement = crypto::parse_statement(ticket, crypto::kJoinTyp);
  if (!statement) co_return refused(statement.error().message);
  const crypto::StatementRule rule{crypto::kJoinTyp, context_.origin, crypto::Expiry::required,
                                   context_.clock.unix_seconds()};
  const auto good = crypto::verify_statement(*statement, context_.cp_key, rule);
  if (!good) co_return refused(good.error().message);
  ObjectReader reader(*statement->claims, "$");
  auto ticket_id = reader.text("jti", {.least = 1, .most = 64});
  const auto expires_at = reader.integer("exp", 0, std::int64_t{1} << 53);
  const auto only_for = reader.optional_text("vm_name");
  if (reader.error()) co_return refused(reader.error()->message);
  if (only_for && *only_for != vm_name) co_return refused("it is for VM " + *only_for);
  co_return co_await context_.store.claim_ticket(std::move(ticket_id), kid, vm_name, expires_at);
}

}  // namespace dd::cp
