// Property: claims of a session or a hand-off that are accepted name somebody by number and have an end, and are read back as they are written.
#include <cstdint>
#include <cstdlib>

#include <nlohmann/json.hpp>

#include "libdd/core/json.hpp"
#include "libdd/protocol/session.hpp"

using namespace dd;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto value = parse_json({reinterpret_cast<const char*>(data), size});
  if (!value) return 0;
  const auto session = protocol::session_claims_from(*value);
  if (session) {
    if (session->user_id < 1 || session->login.empty() || session->audience.empty() || session->id.empty())
      std::abort();
    if (protocol::session_claims_from(protocol::to_json_value(*session)) != *session) std::abort();
  }
  if (const auto handoff = protocol::handoff_claims_from(*value)) {
    if (!session || handoff->base != *session) std::abort();
    if (protocol::handoff_claims_from(protocol::to_json_value(*handoff)) != *handoff) std::abort();
  }
  return 0;
}
