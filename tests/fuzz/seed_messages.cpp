// Property: of the earlier system's messages only those are accepted that name a VM or an agent and ports that exist; a refusal names a path.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include <nlohmann/json.hpp>

#include "dd/workload.hpp"
#include "libdd/core/json.hpp"
#include "libdd/protocol/seed.hpp"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

void check_extras(const std::vector<dd::Expose>& extras) {
  require(std::ranges::all_of(
      extras, [](const dd::Expose& one) { return one.port != 0 && dd::valid_hostname_label(one.hostname_label); }));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto value = dd::parse_json(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!value) return 0;
  if (const auto request = dd::protocol::seed_register_from(*value)) {
    require(dd::valid_vm_name(request->vm_name) && !request->ita_token.empty());
    check_extras(request->extra_ingress);
  } else {
    require(request.error().path.starts_with("$"));
  }
  if (const auto ingress = dd::protocol::seed_ingress_from(*value)) check_extras(ingress->extras);
  if (const auto answer = dd::protocol::seed_register_answer_from(*value))
    require(!answer->tunnel_token.empty() && !answer->agent_id.empty());
  if (const auto ids = dd::protocol::seed_agent_ids_from(*value)) require(ids->size() == value->size());
  if (const auto health = dd::protocol::seed_health_from(*value)) require(dd::valid_vm_name(health->vm_name));
  return 0;
}
