#include "libdd/cp/agent_record.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "libdd/core/json.hpp"
#include "tests/unit/cp/sample_record.hpp"

using namespace dd;
using namespace dd::cp;

TEST_CASE("a record is read back as it was written") {
  const auto record = sample_record("agent-1", "vm-1");
  const auto text = to_text(to_json_value(record));
  const auto read = agent_record_from(parse_json(text).value());
  REQUIRE(read.has_value());
  CHECK(to_json_value(*read) == to_json_value(record));
  CHECK(read->signing_key == record.signing_key);
  CHECK(read->pins == record.pins);
  CHECK(read->quoted_head == record.quoted_head);
  CHECK(read->seq_window == record.seq_window);
  CHECK(read->extras == record.extras);
  CHECK(read->renewable);
}

TEST_CASE("a record that lacks a member, or has another thing in its place, is refused") {
  const auto good = to_json_value(sample_record("agent-1", "vm-1"));
  for (const auto& [name, value] : good.items()) {
    CAPTURE(name);
    for (const auto& bad : {Json(), Json(Json::array({7})), Json(-2), Json(true)}) {
      if (value.type() == bad.type() && !value.is_number()) continue;
      // Of a record that was written before there were these.
      if ((name == "renewable" || name == "token_untaken" || name == "adopted") && bad.is_null()) continue;
      CAPTURE(bad.dump());
      auto bent = good;
      bent[name] = bad;
      const auto read = agent_record_from(bent);
      REQUIRE_FALSE(read.has_value());
      CHECK(read.error().message.starts_with("cannot read agent record"));
    }
  }
}

TEST_CASE("a record of before agents could come back is read, and its agent cannot") {
  auto old = to_json_value(sample_record("agent-1", "vm-1"));
  old.erase("renewable");
  CHECK_FALSE(agent_record_from(old).value().renewable);
}

TEST_CASE("what boots in the VM of a record from before that was looked at is unknown, which no rule allows") {
  auto written = to_json_value(sample_record("agent-1", "vm-1"));
  written["facts"].erase("boot_workloads");
  CHECK(agent_record_from(written).value().facts.boot_workloads == std::vector<std::string>{"unknown"});
}

TEST_CASE("a record whose status or window of call numbers is not what we write is refused") {
  const struct {
    std::string member;
    std::string value;
  } cases[] = {
      {"status", "gone"},    {"status", "Dropped"}, {"status", ""},       {"seq_window", ""},
      {"seq_window", "0x1"}, {"seq_window", "-1"},  {"seq_window", "7 "}, {"seq_window", "18446744073709551616"}};
  for (const auto& c : cases) {
    CAPTURE(c.member);
    CAPTURE(c.value);
    auto value = to_json_value(sample_record("agent-1", "vm-1"));
    value[c.member] = c.value;
    const auto read = agent_record_from(value);
    REQUIRE_FALSE(read.has_value());
    CHECK(read.error().path == "$." + c.member);
  }
}

TEST_CASE("a name is held until its agent is being dropped") {
  const struct {
    AgentStatus status;
    std::string text;
    bool live;
  } rows[] = {{AgentStatus::unknown, "unknown", true},         {AgentStatus::healthy, "healthy", true},
              {AgentStatus::unreachable, "unreachable", true}, {AgentStatus::quarantined, "quarantined", true},
              {AgentStatus::dropping, "dropping", false},      {AgentStatus::dropped, "dropped", false}};
  for (const auto& row : rows) {
    CAPTURE(row.text);
    CHECK(to_string(row.status) == row.text);
    CHECK(is_live(row.status) == row.live);
    auto record = sample_record("agent-1", "vm-1");
    record.status = row.status;
    CHECK(agent_record_from(to_json_value(record)).value().status == row.status);
  }
}

TEST_CASE("a call number is used once, in any order within 64") {
  const struct {
    std::string name;
    std::vector<std::int64_t> used;
    std::int64_t next;
    bool accepted;
  } cases[] = {
      {"the first number may be zero", {}, 0, true},
      {"a number twice", {5}, 5, false},
      {"zero twice", {0}, 0, false},
      {"the next", {5}, 6, true},
      {"an earlier one that was left out", {5, 9}, 7, true},
      {"an earlier one that was used late", {5, 9, 7}, 7, false},
      {"63 behind", {100}, 37, true},
      {"63 behind and used", {37, 100}, 37, false},
      {"64 behind", {100}, 36, false},
      {"far behind", {1'000'000}, 1, false},
      {"negative", {}, -1, false},
      {"a jump of 63 keeps what was used", {10, 73}, 10, false},
      {"a jump of 63 keeps what was not used", {10, 73}, 11, true},
      {"a jump of 64 forgets, and what is behind it is too old", {10, 74}, 10, false},
      {"a jump of 64 leaves the window empty", {10, 74}, 11, true},
      {"the number before a jump of 64 is past the window", {9, 74}, 9, false},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    AgentRecord record;
    for (const auto seq : c.used) REQUIRE(use_seq(record, seq).has_value());
    const auto before = record.seq_window;
    const auto used = use_seq(record, c.next);
    REQUIRE(used.has_value() == c.accepted);
    if (c.accepted) continue;
    CHECK(used.error().reason == "replayed");
    CHECK(used.error().code == ErrorCode::unauthenticated);
    CHECK(record.seq_window == before);
  }
}
