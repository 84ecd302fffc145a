#include <utility>

#include <nlohmann/json.hpp>

#include "dd/event_log.hpp"
#include "libdd/protocol/fields.hpp"
#include "libdd/protocol/log_reader.hpp"

namespace dd::protocol {

Json to_json_value(const LogPage& page) {
  return {
      {"from", page.from}, {"total", page.total}, {"head", to_hex(page.head)}, {"events", events_list(page.events)}};
}

Result<LogPage> log_page_from(const Json& value, std::string path) {
  return read_log(value, path, static_cast<std::size_t>(kLogPage));
}

Result<LogPage> read_log(const Json& value, const std::string& path, std::size_t most_events) {
  ObjectReader reader(value, path);
  LogPage page;
  page.total = reader.integer("total", 0, static_cast<std::int64_t>(EventLog::kMaxEvents));
  page.from = reader.integer("from", 0, page.total);
  page.head = read_digest384(reader, "head");
  page.events = read_events(reader, "events", most_events);
  if (static_cast<std::int64_t>(page.events.size()) > page.total - page.from)
    reader.problem("events", ErrorCode::invalid_argument,
                   std::to_string(page.events.size()) + " events from " + std::to_string(page.from) + " of " +
                       std::to_string(page.total));
  return finish(reader, std::move(page));
}

LogPage read_log_member(ObjectReader& reader, const char* name, std::size_t most_events) {
  const auto* value = reader.object(name);
  if (value == nullptr) return {};
  auto page = read_log(*value, reader.path_of(name), most_events);
  if (page) return *std::move(page);
  reader.problem(std::move(page).error());
  return {};
}

}  // namespace dd::protocol
