#include "dd/event_log.hpp"

#include <doctest/doctest.h>

#include "libdd/crypto/digest.hpp"
#include "tests/unit/attest/samples.hpp"
#include "tests/unit/attest/vectors.hpp"

using namespace dd;
using nlohmann::json;

namespace {

json values_of(const EventLog& log) {
  auto values = json::array();
  for (const auto& event : log.events()) values.push_back(json::parse(event));
  return values;
}

}  // namespace

TEST_CASE("an event is numbered, made canonical and chained") {
  EventLog log;
  CHECK(log.head() == Digest384{});
  const auto digest = log.append({{"type", "stop"}, {"id", "7"}, {"app_name", "hello"}});
  REQUIRE(digest.has_value());
  CHECK(log.events() == std::vector<std::string>{R"({"app_name":"hello","id":"7","index":0,"type":"stop"})"});
  CHECK(to_hex(*digest) == vectors().at("event_digest").get<std::string>());
  REQUIRE(log.append({{"type", "stop"}, {"id", "8"}, {"app_name", "hello"}}).has_value());
  const auto heads = vectors().at("log_heads").get<std::vector<std::string>>();
  for (std::size_t i = 0; i < heads.size(); ++i) CHECK(to_hex(log.head_at(i)) == heads[i]);
  CHECK(log.head() == log.head_at(2));
}

TEST_CASE("the chain is what a register holds that was extended with each event's digest") {
  EventLog log;
  Digest384 rtmr3{};
  for (const auto& event : {boot_event(), agent_event(), deploy_event()})
    rtmr3 = crypto::extend(rtmr3, log.append(event).value());
  CHECK(log.head() == rtmr3);
}

TEST_CASE("what is no event is not logged") {
  const struct {
    const char* name;
    json event;
    const char* message;
  } cases[] = {
      {"no object", json::array(), "cannot log event: want an object without index"},
      {"an index of its own", {{"type", "stop"}, {"index", 0}}, "cannot log event: want an object without index"},
      {"no type", json::object(),
       "cannot log event: cannot read $.event_log[0].type: missing, want a text of 1..64 bytes"},
      {"a fraction", {{"type", "stop"}, {"at", 0.5}}, nullptr},
      {"too large",
       {{"type", "stop"}, {"id", std::string(EventLog::kMaxEventBytes, 'x')}},
       "cannot log event: cannot read event: larger than 64 KiB"},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    EventLog log;
    const auto digest = log.append(c.event);
    REQUIRE_FALSE(digest.has_value());
    CHECK(digest.error().code == ErrorCode::invalid_argument);
    if (c.message != nullptr) CHECK(digest.error().message == c.message);
    CHECK(log.size() == 0);
    CHECK(log.head() == Digest384{});
  }
}

TEST_CASE("a log that is full takes no more events, its own or foreign ones") {
  EventLog log;
  for (std::size_t i = 0; i < EventLog::kMaxEvents; ++i) REQUIRE(log.append({{"type", "stop"}}).has_value());
  const auto own = log.append({{"type", "stop"}});
  REQUIRE_FALSE(own.has_value());
  CHECK(own.error().code == ErrorCode::too_large);
  const auto foreign = log.append_foreign(json::array({{{"type", "stop"}, {"index", EventLog::kMaxEvents}}}));
  REQUIRE_FALSE(foreign.has_value());
  CHECK(foreign.error().code == ErrorCode::too_large);
  const std::vector<std::string> text = {R"({"index":4096,"type":"stop"})"};
  const auto as_text = log.append_foreign(std::span<const std::string>(text));
  REQUIRE_FALSE(as_text.has_value());
  CHECK(as_text.error().code == ErrorCode::too_large);
  CHECK(as_text.error().path == "$.event_log");
  CHECK(log.size() == EventLog::kMaxEvents);

  EventLog copy;
  REQUIRE(copy.append_foreign(std::span<const std::string>(log.events())).has_value());
  CHECK(copy.head() == log.head());
}

TEST_CASE("an event has at most 64 KiB") {
  const auto event_of = [](std::size_t bytes) {
    const std::string frame = R"({"index":0,"type":"stop","x":""})";
    return json{{"type", "stop"}, {"x", std::string(bytes - frame.size(), 'x')}};
  };
  EventLog log;
  CHECK_FALSE(log.append(event_of(EventLog::kMaxEventBytes + 1)).has_value());
  REQUIRE(log.append(event_of(EventLog::kMaxEventBytes)).has_value());
  CHECK(log.events()[0].size() == EventLog::kMaxEventBytes);
}

TEST_CASE("a foreign log replays to the same head, whole or page by page") {
  const auto original = sample_log();
  EventLog from_texts;
  REQUIRE(from_texts.append_foreign(std::span<const std::string>(original.events())).has_value());
  CHECK(from_texts.head() == original.head());

  EventLog from_values;
  const auto values = values_of(original);
  REQUIRE(from_values.append_foreign(json(values.begin(), values.begin() + 2)).has_value());
  CHECK(from_values.head() == original.head_at(2));
  REQUIRE(from_values.append_foreign(json::array({values[2], values[3]})).has_value());
  CHECK(from_values.head() == original.head());
  CHECK(from_values.events() == original.events());
}

TEST_CASE("a log that was tampered with does not replay to its head") {
  const auto original = sample_log();
  const auto values = values_of(original);
  const auto cut = json::array({values[0], values[1], values[2]});
  auto altered = values;
  altered[1]["digest"] = digest_of('e');
  auto longer = values;
  longer.push_back({{"type", "stop"}, {"id", "1"}, {"index", 4}});
  auto renumbered = json::array({values[0], values[2], values[1], values[3]});
  for (std::size_t i = 0; i < renumbered.size(); ++i) renumbered[i]["index"] = i;
  const struct {
    const char* name;
    json events;
  } cases[] = {{"cut", cut},
               {"altered", altered},
               {"extended with a false event", longer},
               {"reordered and renumbered", renumbered}};
  for (const auto& c : cases) {
    CAPTURE(c.name);
    EventLog log;
    REQUIRE(log.append_foreign(c.events).has_value());
    CHECK(log.head() != original.head());
  }
}

TEST_CASE("events out of order, or spelled in another way, are refused and nothing is taken over") {
  const auto original = sample_log();
  const auto values = values_of(original);
  const auto spaced = "{ " + original.events()[1].substr(1);
  const struct {
    const char* name;
    json events;
    const char* path;
  } cases[] = {
      {"no array", json::object(), "$.event_log"},
      {"reordered", json::array({values[0], values[2], values[1]}), "$.event_log[1].index"},
      {"one left out", json::array({values[0], values[2]}), "$.event_log[1].index"},
      {"first left out", json::array({values[1]}), "$.event_log[0].index"},
      {"one twice", json::array({values[0], values[0]}), "$.event_log[1].index"},
      {"no index", json::array({boot_event()}), "$.event_log[0].index"},
      {"no object", json::array({values[0], 7}), "$.event_log[1]"},
      {"index as text", json::array({{{"type", "boot"}, {"index", "0"}}}), "$.event_log[0].index"},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    EventLog log;
    const auto taken = log.append_foreign(c.events);
    REQUIRE_FALSE(taken.has_value());
    CHECK(taken.error().code == ErrorCode::malformed);
    CHECK(taken.error().path == c.path);
    CHECK(log.size() == 0);
  }
  const struct {
    const char* name;
    std::string text;
    const char* message;
  } texts[] = {
      {"white space", spaced, "cannot read event: it is not canonical JSON"},
      {"no JSON", "boot", nullptr},
      {"a member twice", R"({"index":1,"index":1,"type":"stop"})", nullptr},
      {"a needless escape", R"({"index":1,"type":"st\u006fp"})", "cannot read event: it is not canonical JSON"},
  };
  for (const auto& c : texts) {
    CAPTURE(c.name);
    EventLog log;
    const std::vector<std::string> events = {original.events()[0], c.text};
    const auto taken = log.append_foreign(std::span<const std::string>(events));
    REQUIRE_FALSE(taken.has_value());
    CHECK(taken.error().code == ErrorCode::malformed);
    CHECK(taken.error().path == "$.event_log[1]");
    if (c.message != nullptr) CHECK(taken.error().message == c.message);
    CHECK(log.size() == 0);
  }
}
