// ddctl logs, and what -f makes of one answer after the other.
#include <doctest/doctest.h>

#include "libdd/cli/log_cursor.hpp"
#include "tests/unit/cli/served_fleet.hpp"

using namespace dd;
using cli::ddctl;
using cli::LogCursor;
using Lines = std::vector<std::string>;

namespace {

WorkloadLogs page(std::string id, std::string status, Lines lines, std::int64_t first, std::int64_t next) {
  return {"app", std::move(id), std::move(status), std::move(lines), first, next};
}

Json answer(const char* id, const char* status, const Lines& lines, std::int64_t first, std::int64_t next) {
  return {{"app_name", "app"}, {"id", id}, {"status", status}, {"lines", lines}, {"first", first}, {"next", next}};
}

}  // namespace

TEST_CASE("an unfinished line is shown once, when it is whole") {
  LogCursor cursor;
  const auto start = cursor.take(page("1", "running", {"a", "b", "half"}, 5, 7), 100);
  CHECK(start.lines == Lines{"a", "b"});
  CHECK(start.first == 5);
  CHECK(start.missed == 0);
  CHECK_FALSE(start.more);
  CHECK(cursor.next() == 7);
  CHECK(cursor.take(page("1", "running", {"half and half"}, 7, 8), 100).lines == Lines{"half and half"});
  CHECK(cursor.next() == 8);
}

TEST_CASE("lines that nobody could read are counted") {
  LogCursor cursor;
  (void)cursor.take(page("1", "running", {"a"}, 0, 1), 100);
  const auto news = cursor.take(page("1", "running", {"x", "y"}, 11, 13), 2);
  CHECK(news.missed == 10);
  CHECK(news.lines == Lines{"x", "y"});
  CHECK(news.more);
}

TEST_CASE("what an app wrote last is shown before it is over") {
  LogCursor cursor;
  const auto last = cursor.take(page("1", "exited", {"a"}, 0, 1), 100);
  CHECK(last.lines == Lines{"a"});
  CHECK(last.more);
  CHECK_FALSE(last.over);
  CHECK(cursor.take(page("1", "exited", {}, 1, 1), 100).over);
  CHECK_FALSE(LogCursor().take(page("1", "deploying", {}, 0, 0), 100).over);
}

TEST_CASE("an app that was deployed again starts over") {
  LogCursor cursor;
  (void)cursor.take(page("1", "running", {"a"}, 0, 1), 100);
  const auto news = cursor.take(page("2", "running", {"second"}, 1, 2), 100);
  CHECK(news.redeployed);
  CHECK(news.lines.empty());
  CHECK(cursor.next() == 0);
  CHECK(cursor.take(page("2", "running", {"first", "second"}, 0, 2), 100).lines == Lines{"first", "second"});
}

TEST_CASE("ddctl logs -f prints each line once, through a redeploy, to the end") {
  cli::ServedFleet fleet;
  fleet.logs = answer("1", "running", {"a", "b", "ha"}, 3, 5);
  fleet.logs_later = {answer("1", "running", {"half"}, 5, 6), answer("1", "running", {"late"}, 9, 10),
                      answer("2", "running", {}, 0, 0), answer("2", "exited", {"anew\x1b[2J"}, 0, 1),
                      answer("2", "exited", {}, 1, 1)};
  const auto said = ddctl({"logs", "app", "-f", "-n", "3"});
  CHECK(said.code == 0);
  CHECK(said.out == "a\nb\nhalf\nlate\nanew?[2J\n");
  CHECK(said.err == "3 lines were gone before they could be read\ndeployed again\napp is exited\n");
  CHECK(fleet.logs_asked == Lines{"/logs/app?tail=3", "/logs/app?from=5&tail=1000", "/logs/app?from=6&tail=1000",
                                  "/logs/app?from=10&tail=1000", "/logs/app?from=0&tail=1000",
                                  "/logs/app?from=1&tail=1000"});
}

TEST_CASE("ddctl logs asks for another deployment by its id, or for the one before") {
  cli::ServedFleet fleet;
  CHECK(ddctl({"logs", "app", "--previous"}).code == 0);
  CHECK(ddctl({"logs", "app", "--id", "id-7", "-n", "3"}).code == 0);
  CHECK(fleet.logs_asked == Lines{"/logs/app?tail=100&previous=true", "/logs/app?tail=3&id=id-7"});
  CHECK(ddctl({"logs", "app", "--previous", "--id", "id-7"}).code == 2);
  CHECK(ddctl({"logs", "app", "--previous", "-f"}).code == 2);
}

TEST_CASE("ddctl logs -f -o json prints an object a line") {
  cli::ServedFleet fleet;
  fleet.logs = answer("1", "exited", {"a", "\"b\""}, 3, 5);
  fleet.logs_later = {answer("1", "exited", {}, 5, 5)};
  CHECK(ddctl({"logs", "app", "-f", "-o", "json"}).out ==
        "{\"line\":\"a\",\"number\":3}\n{\"line\":\"\\\"b\\\"\",\"number\":4}\n");
}
