#include "libdd/protocol/workload_event.hpp"

#include <nlohmann/json.hpp>

#include "libdd/protocol/public_settings.hpp"

namespace dd::protocol {

nlohmann::json workload_event(const DeployRequest& request, const std::string& digest, ByteView salt) {
  nlohmann::json event = {{"app_name", request.app_name},
                          {"digest", digest},
                          {"cmd", request.cmd},
                          {"env", logged_environment(request.env, salt)},
                          {"privileged", request.privileged},
                          {"expose", nlohmann::json::array()}};
  for (const auto& expose : request.expose) event["expose"].push_back(to_json_value(expose));
  return event;
}

void add_boot_members(nlohmann::json& event, const BootMembers& members) {
  event["type"] = "workload";
  event["inherit_token"] = members.inherit_token;
  for (const auto& one : members.listen) event["listen"].push_back({{"name", one.name}, {"port", one.port}});
  if (members.role != BootWorkload::Role::none) event["role"] = to_string(members.role);
}

}  // namespace dd::protocol
