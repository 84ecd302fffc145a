#include "libdd/protocol/fetch.hpp"

#include <doctest/doctest.h>

using namespace dd;
using namespace dd::protocol;

TEST_CASE("an order to dd-fetch is read as it was written") {
  GetAsset get;
  get.api_url = "https://api.github.com";
  get.ca_file = "/etc/ca.pem";
  get.repo = "acme/tool";
  get.asset = "tool.tar.gz";
  get.token = Secret("ghp_x");
  get.max_bytes = std::int64_t{2} << 30;
  get.deadline_ms = 600'000;
  const auto line = to_line(get);
  CHECK(line.find('\n') == std::string::npos);
  const auto read = std::get<GetAsset>(fetch_order_from(line).value());
  CHECK(to_line(read) == line);
  CHECK(read.token == get.token);
  CHECK(read.tag.empty());

  const auto unpack = std::get<UnpackArchive>(fetch_order_from(to_line(UnpackArchive{5, 6})).value());
  CHECK(unpack.max_bytes == 5);
  CHECK(unpack.max_entries == 6);
}

TEST_CASE("a report of dd-fetch is read as it was written") {
  const FetchReport reports[] = {AssetFound{"v1", 12, "sha256:ab"}, FetchProgress{7}, FetchDone{},
                                 Error{ErrorCode::not_found, "cannot \"find\"\n it", {}, {}}};
  for (const auto& report : reports) {
    const auto line = to_line(report);
    CAPTURE(line);
    CHECK(line.find('\n') == std::string::npos);
    const auto read = fetch_report_from(line).value();
    CHECK(read.index() == report.index());
    CHECK(to_line(read) == line);
  }
}

TEST_CASE("an error keeps its code however long its message, and whatever is in it") {
  for (const auto* piece : {"name, ", "\xff"}) {
    std::string message;
    while (message.size() < 20'000) message += piece;
    const auto report = fetch_report_from(to_line(FetchReport(Error{ErrorCode::not_found, message, {}, {}})));
    REQUIRE(report.has_value());
    REQUIRE(std::holds_alternative<Error>(*report));
    CHECK(std::get<Error>(*report).code == ErrorCode::not_found);
    CHECK(std::get<Error>(*report).message.size() > 1000);
  }
}

TEST_CASE("what is no order or no report is refused") {
  for (const auto* line : {"", "[]", "{}", R"({"order":"run"})", R"({"order":"get"})",
                           R"({"order":"unpack","max_bytes":-1,"max_entries":1})",
                           R"({"order":"unpack","max_bytes":"1","max_entries":1})"}) {
    CAPTURE(line);
    CHECK_FALSE(fetch_order_from(line).has_value());
  }
  for (const auto* line : {"", "{}", R"({"report":"found"})", R"({"report":"progress","bytes":-1})",
                           R"({"report":"progress","bytes":1e30})", R"({"report":"error","code":"not_found"})",
                           R"({"report":"done","report":"done"})", R"({"report":"ready"})"}) {
    CAPTURE(line);
    CHECK_FALSE(fetch_report_from(line).has_value());
  }
  CHECK_FALSE(fetch_report_from(R"({"report":"error","code":"x","message":")" + std::string(kMaxFetchLine, 'x') + "\"}")
                  .has_value());
}
