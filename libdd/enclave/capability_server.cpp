#include "libdd/enclave/capability_server.hpp"

#include <algorithm>
#include <array>

#include <nlohmann/json.hpp>

#include "libdd/crypto/hpke.hpp"
#include "libdd/crypto/statement.hpp"
#include "libdd/enclave/answers.hpp"
#include "libdd/enclave/evidence.hpp"
#include "libdd/protocol/health.hpp"

namespace dd::enclave {
namespace {

using Role = BootWorkload::Role;

// The largest is `sign` of a registration, which carries the whole event log.
constexpr JsonLimits kRequestLimits{.max_bytes = 8 * 1024 * 1024, .max_depth = 32};
constexpr std::int64_t kMaxSeqBlock = 1024;
// As far as a JSON number goes exactly.
constexpr std::int64_t kLastSeq = (std::int64_t{1} << 53) - 1;

// Each role signs only what it says itself: an agent's key must never make a control plane's statement.
constexpr std::array kAgentStatements = {crypto::kRegisterTyp, crypto::kRegisterHeadTyp, crypto::kCallTyp,
                                         crypto::kProofTyp, crypto::kCookieTyp};
constexpr std::array kCpStatements = {crypto::kPollTyp, crypto::kJoinTyp, crypto::kSessionTyp, crypto::kHandoffTyp,
                                      crypto::kHolderTyp};

bool may_sign(Role role, std::string_view typ) {
  const auto in = [typ](const auto& list) { return std::ranges::find(list, typ) != list.end(); };
  return role == Role::agent ? in(kAgentStatements) : role == Role::cp && in(kCpStatements);
}

Result<std::vector<Digest256>> fields_from(ObjectReader& request) {
  std::vector<Digest256> fields;
  for (const auto& text : request.texts("fields", 8)) {
    const auto bytes = from_base64url(text);
    const auto field = bytes ? to_array<32>(*bytes, "field") : tl::unexpected(bytes.error());
    if (!field)
      return fail_at(field.error().code, "$.fields[" + std::to_string(fields.size()) + "]", field.error().message);
    fields.push_back(*field);
  }
  return fields;
}

}  // namespace

CapabilityServer::CapabilityServer(const VmKeys& keys, MeasuredLog& log, std::string boundary, PowerOff power_off)
    : keys_(keys), log_(log), boundary_(std::move(boundary)), power_off_(std::move(power_off)) {}

net::Task<std::string> CapabilityServer::answer(Role role, std::string line) {
  auto outcome = co_await dispatch(role, std::move(line));
  co_return answer_line(std::move(outcome));
}

net::Task<Result<Json>> CapabilityServer::dispatch(Role role, std::string line) {
  auto parsed = parse_json(line, kRequestLimits);
  if (!parsed) co_return tl::unexpected(parsed.error());
  ObjectReader request(*parsed, "$");
  const auto method = request.text("method", {.least = 1, .most = 64});
  if (request.error()) co_return tl::unexpected(*request.error());
  if (method == "keys") co_return keys();
  if (method == "sign") co_return sign(role, request);
  if (method == "open") co_return open(request);
  if (method == "seq") co_return seq(request);
  if (method == "log") co_return log(request);
  if (method == "power_off") co_return power_off(role);
  if (method == "quote") co_return co_await quote(*std::move(parsed));
  co_return fail_at(ErrorCode::unsupported, "$.method",
                    "cannot answer: unknown method, want keys, sign, open, seq, quote, log or power_off");
}

Json CapabilityServer::keys() const {
  return {{"signing_key", keys_.signing().public_key().to_jwk()},
          {"sealing_key", keys_.sealing().public_key().to_jwk()},
          {"boot_id", keys_.boot_id()},
          {"attestation_type", log_.attestation_type()},
          {"boundary", boundary_}};
}

Result<Json> CapabilityServer::sign(Role role, ObjectReader& request) const {
  const auto typ = request.text("typ", {.least = 1, .most = 64});
  const auto* claims = request.object("claims");
  if (request.error()) return tl::unexpected(*request.error());
  if (!may_sign(role, typ))
    return fail_at(ErrorCode::permission_denied, "$.typ",
                   "cannot sign: role " + std::string(to_string(role)) + " makes no such statement");
  return Json{{"jws", crypto::sign_jws(keys_.signing(), typ, *claims)}};
}

Result<Json> CapabilityServer::open(ObjectReader& request) const {
  const auto info = request.text("info", {.least = 1, .most = 256});
  const auto aad = request.text("aad", {.most = 1024});
  const auto sealed = request.base64url("sealed", 0);
  if (request.error()) return tl::unexpected(*request.error());
  const auto plaintext = crypto::hpke_open(keys_.sealing(), as_bytes(info), as_bytes(aad), sealed);
  if (!plaintext) return tl::unexpected(plaintext.error());
  return Json{{"plaintext_b64u", to_base64url(*plaintext)}};
}

Result<Json> CapabilityServer::seq(ObjectReader& request) {
  const auto count = request.integer("count", 1, kMaxSeqBlock);
  if (request.error()) return tl::unexpected(*request.error());
  if (next_seq_ > kLastSeq - count)
    return fail(ErrorCode::unavailable, "cannot hand out call numbers: all are used, restart the runtime");
  const auto first = next_seq_;
  next_seq_ += count;
  return Json{{"first", first}};
}

Result<Json> CapabilityServer::power_off(Role role) const {
  if (role != Role::cp)
    return fail(ErrorCode::permission_denied,
                "cannot power off: role " + std::string(to_string(role)) + " does not end the VM");
  if (const auto off = power_off_(); !off) return tl::unexpected(off.error());
  return Json::object();
}

Result<Json> CapabilityServer::log(ObjectReader& request) const {
  const auto& events = log_.events();
  const auto total = static_cast<std::int64_t>(events.size());
  protocol::LogPage page;
  page.from = request.integer("from", 0, total);
  if (request.error()) return tl::unexpected(*request.error());
  page.total = total;
  page.head = events.head();
  const auto begin = events.events().begin() + page.from;
  page.events.assign(begin, begin + std::min(protocol::kLogPage, total - page.from));
  return protocol::to_json_value(page);
}

net::Task<Result<Json>> CapabilityServer::quote(Json parsed) {
  ObjectReader request(parsed, "$");
  auto tag = request.text("tag", {.least = 1, .most = 64});
  auto fields = fields_from(request);
  if (request.error()) co_return tl::unexpected(*request.error());
  if (!fields) co_return tl::unexpected(fields.error());
  MeasuredLog::Compose compose = [this, tag = std::move(tag), fields = *std::move(fields)](const Digest384& log_head) {
    return compose_runtime_data(tag, fields, keys_, log_head);
  };
  const auto bound = co_await log_.quote(std::move(compose));
  if (!bound) co_return tl::unexpected(bound.error());
  Json answer = {{"quote_b64", to_base64(bound->quote)},
                 {"runtime_data_b64u", to_base64url(bound->runtime_data)},
                 {"quoted_events", bound->quoted_events},
                 {"log_head", to_hex(bound->log_head)}};
  co_return answer;
}

}  // namespace dd::enclave
