#include "dd/listen_fds.hpp"

#include <unistd.h>

#include <doctest/doctest.h>

#include "dd/config.hpp"

using namespace dd;

TEST_CASE("inherited sockets are found by name, and only by whom they are meant for") {
  const struct {
    const char* name;
    std::int64_t count;
    const char* names;
    std::vector<int> http;
    std::vector<int> compat;
  } rows[] = {
      {"none", 0, "", {}, {}},
      {"two of one name and one of another", 3, "http:http:compat", {3, 4}, {5}},
      {"mixed", 3, "compat:http:compat", {4}, {3, 5}},
      {"without names", 2, "", {3, 4}, {}},
      {"names for fewer", 3, "compat", {}, {3}},
      {"names for more", 1, "http:http:http", {3}, {}},
      {"a name that begins like ours", 1, "http2", {}, {}},
  };
  for (const auto& row : rows) {
    CAPTURE(row.name);
    const ListenFds fds{getpid(), row.count, row.names};
    CHECK(fds.named("http") == row.http);
    CHECK(fds.named("compat") == row.compat);
    const ListenFds others{getpid() + 1, row.count, row.names};
    CHECK(others.named("http").empty());
    CHECK(others.why_none("http").empty() == (row.count == 0));
    CHECK(fds.why_none("http").empty() == (row.count == 0 || !row.http.empty()));
  }
}

TEST_CASE("inherited sockets are read from the variables of sd_listen_fds(3)") {
  Config config;
  ListenFds fds;
  declare(config, fds);
  const auto pid = std::to_string(getpid());
  const auto loaded = config.load([&](const std::string& name) -> std::optional<std::string> {
    if (name == "LISTEN_PID") return pid;
    if (name == "LISTEN_FDS") return "2";
    if (name == "LISTEN_FDNAMES") return "http:compat";
    return std::nullopt;
  });
  REQUIRE(loaded.has_value());
  CHECK(fds.named("compat") == std::vector<int>{4});
}
