// Property: what is accepted is read back as it was when it is written, and its log page lies inside the log; a refusal names a path.
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include <nlohmann/json.hpp>

#include "libdd/core/json.hpp"
#include "libdd/protocol/health.hpp"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto value = dd::parse_json(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!value) return 0;
  const auto health = dd::protocol::agent_health_from(*value);
  if (!health) {
    require(health.error().path.starts_with("$"));
    return 0;
  }
  const auto& log = health->log;
  require(log.from >= 0 && log.from + static_cast<std::int64_t>(log.events.size()) <= log.total);
  require(std::isfinite(health->metrics.cpu_percent) && std::isfinite(health->metrics.load_1m));
  const auto again = dd::protocol::agent_health_from(dd::protocol::to_json_value(*health));
  require(again.has_value() && *again == *health);
  return 0;
}
