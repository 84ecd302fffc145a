#include "libdd/cp/log_tail.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "dd/event_log.hpp"

using namespace dd;
using namespace dd::cp;

namespace {

EventLog log_of(std::size_t count) {
  EventLog log;
  for (std::size_t i = 0; i < count; ++i) REQUIRE(log.append({{"type", i == 0 ? "boot" : "deploy"}}).has_value());
  return log;
}

std::vector<std::string> events(const EventLog& log, std::size_t from) {
  return {log.events().begin() + static_cast<std::ptrdiff_t>(from), log.events().end()};
}

}  // namespace

TEST_CASE("a tail that is read in pages ends at the head of the whole log") {
  const auto log = log_of(5);
  LogTail tail(2, log.head_at(2));
  const auto rest = events(log, 2);
  REQUIRE(tail.append(std::span(rest).first(1)).has_value());
  REQUIRE(tail.append(std::span(rest).subspan(1)).has_value());
  CHECK(tail.length() == 5);
  CHECK(tail.head() == log.head());
  for (std::int64_t i = 2; i <= 5; ++i) {
    REQUIRE(tail.head_at(i) != nullptr);
    CHECK(*tail.head_at(i) == log.head_at(static_cast<std::size_t>(i)));
  }
}

TEST_CASE("a tail knows no prefix shorter than its start or longer than its end") {
  const auto log = log_of(3);
  const LogTail tail(2, log.head_at(2));
  CHECK(tail.head_at(1) == nullptr);
  CHECK(tail.head_at(2) != nullptr);
  CHECK(tail.head_at(3) == nullptr);
  CHECK(tail.head_at(-1) == nullptr);
}

TEST_CASE("an event that is not the next one is refused") {
  const struct {
    std::string name;
    std::string event;
  } cases[] = {
      {"the one before", R"({"index":1,"type":"stop"})"},
      {"one too far", R"({"index":3,"type":"stop"})"},
      {"without index", R"({"type":"stop"})"},
      {"with a text for an index", R"({"index":"2","type":"stop"})"},
      {"without type", R"({"index":2})"},
      {"no object", R"([2])"},
      {"no JSON", R"({"index":2,)"},
      {"a member twice", R"({"index":2,"index":2,"type":"stop"})"},
      {"privileged as a text", R"({"index":2,"type":"deploy","privileged":"no"})"},
  };
  const auto log = log_of(2);
  for (const auto& c : cases) {
    CAPTURE(c.name);
    LogTail tail(2, log.head());
    const std::vector<std::string> next{c.event};
    const auto appended = tail.append(next);
    REQUIRE_FALSE(appended.has_value());
    CHECK(appended.error().code == ErrorCode::malformed);
    CHECK(tail.length() == 2);
  }
}

TEST_CASE("a tail remembers that something privileged was started") {
  LogTail tail(0, Digest384{});
  const std::vector<std::string> plain{R"({"index":0,"type":"boot"})"};
  REQUIRE(tail.append(plain).has_value());
  CHECK_FALSE(tail.privileged());
  const std::vector<std::string> more{R"({"index":1,"privileged":true,"type":"deploy"})",
                                      R"({"index":2,"type":"stop"})"};
  REQUIRE(tail.append(more).has_value());
  CHECK(tail.privileged());
  LogTail with_token(0, Digest384{});
  const std::vector<std::string> holder{R"({"index":0,"inherit_token":true,"type":"workload"})"};
  REQUIRE(with_token.append(holder).has_value());
  CHECK(with_token.privileged());
}
