#include "libdd/protocol/seed.hpp"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "libdd/protocol/fields.hpp"

namespace dd::protocol {
namespace {

std::vector<Expose> read_extras(ObjectReader& reader, const char* name) {
  return reader.find(name) == nullptr ? std::vector<Expose>() : read_extra_ingress(reader, name);
}

/// As that system's control plane reads them: a row that makes no sense is left out.
std::vector<Expose> usable_extras(ObjectReader& reader, const char* name) {
  std::vector<Expose> extras;
  const auto* list = reader.find(name);
  if (list == nullptr || !list->is_array()) return extras;
  for (const auto& item : *list) {
    if (extras.size() == kMaxExtraIngress) break;
    auto row = expose_from(Json::array({item}), "$", 1);
    if (!row || row->at(0).port == 0) continue;
    const bool known = std::ranges::find(extras, row->at(0).hostname_label, &Expose::hostname_label) != extras.end();
    if (!known) extras.push_back(std::move(row->at(0)));
  }
  return extras;
}

struct Spelling {
  int status;
  const char* code;
  const char* prefix;
};

Spelling spelling_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::unauthenticated:
    case ErrorCode::permission_denied:
      return {401, "UNAUTHORIZED", "unauthorized"};
    case ErrorCode::not_found:
      return {404, "NOT_FOUND", "not found"};
    case ErrorCode::unavailable:
    case ErrorCode::upstream:
    case ErrorCode::deadline_exceeded:
      return {502, "UPSTREAM", "upstream"};
    case ErrorCode::internal:
      return {500, "INTERNAL", "internal"};
    case ErrorCode::invalid_argument:
    case ErrorCode::conflict:
    case ErrorCode::malformed:
    case ErrorCode::unsupported:
    case ErrorCode::too_large:
    case ErrorCode::rate_limited:
      return {400, "BAD_REQUEST", "bad request"};
  }
  return {500, "INTERNAL", "internal"};
}

}  // namespace

Result<SeedRegister> seed_register_from(const Json& value) {
  ObjectReader reader(value, "$");
  SeedRegister request;
  request.vm_name = read_vm_name(reader, "vm_name");
  request.env_label = reader.text("env_label");
  request.owner = read_owner(reader, "owner");
  request.ita_token = reader.text("ita_token", kTokenRule);
  request.extra_ingress = read_extras(reader, "extra_ingress");
  return finish(reader, std::move(request));
}

Json to_json_value(const SeedRegister& request) {
  return {{"vm_name", request.vm_name},
          {"env_label", request.env_label},
          {"owner", request.owner},
          {"ita_token", request.ita_token},
          {"extra_ingress", ingress_list(request.extra_ingress)}};
}

Result<SeedRegisterAnswer> seed_register_answer_from(const Json& value) {
  ObjectReader reader(value, "$");
  SeedRegisterAnswer answer;
  answer.tunnel_token = reader.text("tunnel_token", kTokenRule);
  answer.hostname = read_hostname(reader, "hostname");
  answer.agent_id = read_agent_id(reader, "agent_id");
  answer.jwt_secret_b64 = reader.optional_text("jwt_secret_b64", kTokenRule).value_or("");
  answer.cp_hostname = read_hostname(reader, "cp_hostname");
  return finish(reader, std::move(answer));
}

Json to_json_value(const SeedRegisterAnswer& answer) {
  return {{"tunnel_token", answer.tunnel_token},
          {"hostname", answer.hostname},
          {"agent_id", answer.agent_id},
          {"jwt_secret_b64", answer.jwt_secret_b64},
          {"cp_hostname", answer.cp_hostname}};
}

Result<SeedIngress> seed_ingress_from(const Json& value) {
  ObjectReader reader(value, "$");
  SeedIngress request;
  request.agent_id = read_agent_id(reader, "agent_id");
  request.extras = read_extras(reader, "extras");
  return finish(reader, std::move(request));
}

Json to_json_value(const SeedIngress& request) {
  return {{"agent_id", request.agent_id}, {"extras", ingress_list(request.extras)}};
}

Result<SeedHealth> seed_health_from(const Json& value) {
  ObjectReader reader(value, "$");
  SeedHealth health;
  health.vm_name = read_vm_name(reader, "vm_name");
  health.ita_token = reader.text("ita_token", kTokenRule);
  health.extra_ingress = usable_extras(reader, "extra_ingress");
  return finish(reader, std::move(health));
}

Json to_json_value(const SeedAgent& agent) {
  return {{"agent_id", agent.agent_id},
          {"vm_name", agent.vm_name},
          {"hostname", agent.hostname},
          {"status", agent.status},
          {"last_seen", agent.last_seen}};
}

Result<std::vector<std::string>> seed_agent_ids_from(const Json& value) {
  if (!value.is_array()) return fail_at(ErrorCode::malformed, "$", "cannot read $: want a list of agents");
  std::vector<std::string> ids;
  for (const auto& item : value) {
    ObjectReader reader(item, "$[" + std::to_string(ids.size()) + "]");
    ids.push_back(reader.text("agent_id"));
    if (reader.error()) return tl::unexpected(*reader.error());
  }
  return ids;
}

SeedError seed_error(const Error& error) {
  const auto spelling = spelling_of(error.code);
  // Of a refused caller and of a missing thing that system says no more than this.
  const bool bare = spelling.status == 401 || spelling.status == 404;
  const Json body = {{"code", spelling.code},
                     {"message", bare ? spelling.prefix : std::string(spelling.prefix) + ": " + error.message}};
  return {spelling.status, body.dump(-1, ' ', false, Json::error_handler_t::replace)};
}

}  // namespace dd::protocol
