#include "dd/log.hpp"

#include <vector>

#include <doctest/doctest.h>

using namespace dd;

namespace {

struct Line {
  log::Level level;
  std::string message;
  std::vector<std::pair<std::string, std::string>> fields;
  bool operator==(const Line&) const = default;
};

}  // namespace

TEST_CASE("a record reaches the sink with its level and fields") {
  std::vector<Line> lines;
  log::set_sink([&](const log::Record& record) {
    Line line{record.level, std::string(record.message), {}};
    for (const auto& field : record.fields) line.fields.emplace_back(field.name, field.value);
    lines.push_back(std::move(line));
  });
  log::debug("polled");
  log::info("agent registered", {{"vm", "vm-1"}, {"port", 8080}, {"simulated", true}});
  log::warning("degraded", {{"why", std::string("disk full")}});
  log::error("stuck");
  log::set_sink(nullptr);
  log::error("nobody listens");

  CHECK(lines == std::vector<Line>{
                     {log::Level::debug, "polled", {}},
                     {log::Level::info, "agent registered", {{"vm", "vm-1"}, {"port", "8080"}, {"simulated", "true"}}},
                     {log::Level::warning, "degraded", {{"why", "disk full"}}},
                     {log::Level::error, "stuck", {}},
                 });
}
