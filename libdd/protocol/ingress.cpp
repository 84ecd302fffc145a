#include <utility>

#include <nlohmann/json.hpp>

#include "libdd/protocol/fields.hpp"
#include "libdd/protocol/fleet.hpp"

namespace dd::protocol {

Json to_json_value(const IngressReplace& request) {
  return {{"agent_id", request.agent_id}, {"extras", ingress_list(request.extras)}};
}

Result<IngressReplace> ingress_replace_from(const Json& value) {
  ObjectReader reader(value, "$");
  IngressReplace request;
  request.agent_id = read_agent_id(reader, "agent_id");
  request.extras = read_extra_ingress(reader, "extras");
  return finish(reader, std::move(request));
}

Json to_json_value(const IngressAnswer& answer) {
  Json value = {
      {"agent_id", answer.agent_id}, {"extra_hostnames", answer.extra_hostnames}, {"quarantined", answer.quarantined}};
  if (answer.config_version) value["config_version"] = *answer.config_version;
  return value;
}

Result<IngressAnswer> ingress_answer_from(const Json& value) {
  ObjectReader reader(value, "$");
  IngressAnswer answer;
  answer.agent_id = read_agent_id(reader, "agent_id");
  answer.extra_hostnames = read_hostnames(reader, "extra_hostnames", kMaxExtraIngress);
  answer.quarantined = reader.boolean("quarantined", false);
  answer.config_version = reader.optional_integer("config_version", 0, std::int64_t{1} << 53);
  return finish(reader, std::move(answer));
}

}  // namespace dd::protocol
