#include "dd/event_log.hpp"

#include <nlohmann/json.hpp>

#include "libdd/core/json.hpp"
#include "libdd/crypto/canonical_json.hpp"
#include "libdd/crypto/digest.hpp"

namespace dd {
namespace {

std::string place_of(std::size_t index) { return "$.event_log[" + std::to_string(index) + "]"; }

Result<std::string> canonical_event(const Json& event, std::size_t index) {
  const auto where = place_of(index);
  ObjectReader reader(event, where);
  const auto said = reader.integer("index", 0, static_cast<std::int64_t>(EventLog::kMaxEvents));
  static_cast<void>(reader.text("type", {.least = 1, .most = 64}));
  if (reader.error()) return tl::unexpected(*reader.error());
  if (said != static_cast<std::int64_t>(index))
    return fail_at(ErrorCode::malformed, where + ".index",
                   "cannot read event: index " + std::to_string(said) + ", want " + std::to_string(index));
  auto text = crypto::canonical_json(event);
  if (!text) return fail_at(ErrorCode::malformed, where, text.error().message);
  if (text->size() > EventLog::kMaxEventBytes)
    return fail_at(ErrorCode::too_large, where, "cannot read event: larger than 64 KiB");
  return text;
}

}  // namespace

Result<Digest384> EventLog::append(const Json& event) {
  if (!event.is_object() || event.contains("index"))
    return fail(ErrorCode::invalid_argument, "cannot log event: want an object without index");
  if (events_.size() >= kMaxEvents)
    return fail(ErrorCode::too_large, "cannot log event: the log holds " + std::to_string(kMaxEvents) + " events");
  Json numbered = event;
  numbered["index"] = events_.size();
  auto text = canonical_event(numbered, events_.size());
  if (!text) return fail(ErrorCode::invalid_argument, "cannot log event: " + text.error().message);
  const auto digest = crypto::sha384(as_bytes(*text));
  take({*std::move(text)});
  return digest;
}

Result<void> EventLog::append_foreign(std::span<const std::string> events) {
  if (auto room = room_for(events.size()); !room) return room;
  std::vector<std::string> texts;
  for (const auto& event : events) {
    const auto index = events_.size() + texts.size();
    const auto value = parse_json(event, {.max_bytes = kMaxEventBytes});
    if (!value) return fail_at(value.error().code, place_of(index), value.error().message);
    auto text = canonical_event(*value, index);
    if (!text) return tl::unexpected(text.error());
    // Another spelling has another digest, so it is not what was logged.
    if (*text != event)
      return fail_at(ErrorCode::malformed, place_of(index), "cannot read event: it is not canonical JSON");
    texts.push_back(*std::move(text));
  }
  take(std::move(texts));
  return {};
}

Result<void> EventLog::append_foreign(const Json& events) {
  if (!events.is_array()) return fail_at(ErrorCode::malformed, "$.event_log", "cannot read event log: want an array");
  if (auto room = room_for(events.size()); !room) return room;
  std::vector<std::string> texts;
  for (const auto& event : events) {
    auto text = canonical_event(event, events_.size() + texts.size());
    if (!text) return tl::unexpected(text.error());
    texts.push_back(*std::move(text));
  }
  take(std::move(texts));
  return {};
}

Result<void> EventLog::room_for(std::size_t count) const {
  if (count <= kMaxEvents - events_.size()) return {};
  return fail_at(ErrorCode::too_large, "$.event_log",
                 "cannot read event log: more than " + std::to_string(kMaxEvents) + " events");
}

void EventLog::take(std::vector<std::string> texts) {
  for (auto& text : texts) {
    heads_.push_back(crypto::extend(heads_.back(), crypto::sha384(as_bytes(text))));
    events_.push_back(std::move(text));
  }
}

}  // namespace dd
