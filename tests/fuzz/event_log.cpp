// Property: a log that is taken over has one head: its own texts replay to it. One that is refused leaves nothing behind.
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string_view>

#include <nlohmann/json.hpp>

#include "dd/event_log.hpp"
#include "libdd/core/json.hpp"

namespace {

void check(bool property) {
  if (!property) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto value = dd::parse_json(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!value) return 0;
  dd::EventLog log;
  if (!log.append_foreign(*value)) {
    check(log.size() == 0 && log.head() == dd::Digest384{});
    return 0;
  }
  dd::EventLog again;
  check(again.append_foreign(std::span<const std::string>(log.events())).has_value());
  check(again.head() == log.head() && again.events() == log.events());
  const auto facts = dd::log_facts(log);
  check(facts || facts.error().message.starts_with("cannot read event log: "));
  return 0;
}
