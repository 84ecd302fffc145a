#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "tests/unit/tunnel/scripted_api.hpp"

using namespace dd;
using namespace dd::test;
using nlohmann::json;

namespace {

const std::string kOther = "99999999-2222-4333-8444-555555555555.cfargotunnel.com";
const std::string kHost = "a.example.com";
const std::string kByName = "GET " + kRecords + "?name.exact=" + kHost + "&page=1&per_page=100";

Result<void> put(Scripted& api, std::vector<std::string> hosts) {
  auto left = api.run(api.provider->put_dns(kTunnelId, kTunnelName, std::move(hosts)));
  if (!left) return tl::unexpected(left.error());
  return api.run(api.provider->remove_dns(kTunnelId, *std::move(left)));
}

}  // namespace

TEST_CASE("a missing record is created proxied and carries our comment") {
  Scripted api({{kOwnRecords, none()}, {"POST " + kRecords, success("{}")}});
  REQUIRE(put(api, {kHost}).has_value());
  const json want = {{"type", "CNAME"}, {"name", kHost}, {"content", kTarget},
                     {"proxied", true}, {"ttl", 1},      {"comment", kComment}};
  CHECK(json::parse(api.api->requests.at(1).body) == want);
}

TEST_CASE("what is there already is left, what the tunnel no longer serves is deleted") {
  const auto old = record_json("old.example.com", kTarget, kComment, std::string(32, 'd'));
  Scripted api({{kOwnRecords, page("[" + record_json(kHost, kTarget, kComment) + "," + old + "]", 2, 2)},
                {"DELETE " + kRecords + "/" + std::string(32, 'd'), success("{}")}});
  CHECK(put(api, {kHost}).has_value());
}

TEST_CASE("hosts of another domain have their records in its zone, from the first to the last call") {
  const std::string zone(32, 'e');
  const auto records = "/zones/" + zone + "/dns_records";
  const auto listed = "GET " + records + "?type=CNAME&content.exact=" + kTarget + "&page=1&per_page=100";
  const auto old = record_json("old.example.net", kTarget, kComment, std::string(32, 'd'));
  const std::string host = "web.example.net";
  Scripted api({{kOwnRecords, one(record_json(kHost, kTarget, kComment))},
                {listed, one(old)},
                {"POST " + records, failure(400, 81053)},
                {"GET " + records + "?name.exact=" + host + "&page=1&per_page=100",
                 one(record_json(host, kOther, "dd env=test tunnel=dd-test-cp-old"))},
                {"PUT " + records + "/" + kRecordId, success("{}")},
                {"POST " + kRecords, success("{}")},
                {"DELETE " + records + "/" + std::string(32, 'd'), success("{}")}},
               std::chrono::seconds(20), {"example.net", zone});
  CHECK(put(api, {kHost, host, "notexample.net"}).has_value());
}

TEST_CASE("whether a name lies below a domain is decided by whole labels") {
  CHECK(tunnel::is_below("a.example.com", "example.com"));
  CHECK(tunnel::is_below("example.com", "example.com"));
  for (const auto* name : {"aexample.com", "com", "", "example.com.org", ".com"})
    CHECK_FALSE(tunnel::is_below(name, "example.com"));
}

TEST_CASE("an identical record is success") {
  Scripted api({{kOwnRecords, none()}, {"POST " + kRecords, failure(400, 81058)}});
  CHECK(put(api, {kHost}).has_value());
}

TEST_CASE("a record of ours on another tunnel is flipped with one PUT") {
  for (const int code : {81053, 81054, 81057}) {
    CAPTURE(code);
    Scripted api({{kOwnRecords, none()},
                  {"POST " + kRecords, failure(400, code)},
                  {kByName, one(record_json(kHost, kOther, "dd env=test tunnel=dd-test-cp-old"))},
                  {"PUT " + kRecords + "/" + kRecordId, success("{}")}});
    CHECK(put(api, {kHost}).has_value());
  }
}

TEST_CASE("a record of somebody else is a conflict and stays as it is") {
  const struct {
    const char* name;
    std::string record;
  } cases[] = {
      {"no comment", record_json(kHost, "elsewhere.example.net", "")},
      {"another environment", record_json(kHost, kOther, "dd env=test2 tunnel=dd-test2-cp-x")},
      {"another tool", record_json(kHost, kOther, "by hand: dd env=test tunnel=dd-test-x")},
      {"an address",
       R"({"id":"cccccccccccccccccccccccccccccccc","type":"A","name":"a.example.com","content":"192.0.2.1","comment":")" +
           kComment + R"("})"},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    Scripted api({{kOwnRecords, none()}, {"POST " + kRecords, failure(400, 81053)}, {kByName, one(c.record)}});
    const auto done = put(api, {kHost});
    REQUIRE_FALSE(done.has_value());
    CHECK(done.error().code == ErrorCode::conflict);
  }
}

TEST_CASE("a create whose answer is lost is looked for before it is repeated") {
  Scripted found({{kOwnRecords, none()},
                  {"POST " + kRecords, no_answer()},
                  {kByName, one(record_json(kHost, kTarget, kComment))}});
  CHECK(put(found, {kHost}).has_value());
  Scripted missing({{kOwnRecords, none()},
                    {"POST " + kRecords, no_answer()},
                    {kByName, none()},
                    {"POST " + kRecords, success("{}")}});
  CHECK(put(missing, {kHost}).has_value());
}

TEST_CASE("a full zone is reported and not tried again") {
  Scripted api({{kOwnRecords, none()}, {"POST " + kRecords, failure(400, 81045, "Record quota exceeded")}});
  const auto done = put(api, {kHost});
  REQUIRE_FALSE(done.has_value());
  CHECK(done.error().message ==
        "cannot create DNS record a.example.com: Cloudflare says \"Record quota exceeded\" (HTTP 400, code 81045)");
}

TEST_CASE("the record of a host name is found by its exact name, whoever made it") {
  const auto near = record_json("aa.example.com", kTarget, kComment, std::string(32, 'd'));
  Scripted api({{kByName, page("[" + near + "," + record_json(kHost, kOther, "by hand") + "]", 2, 2)},
                {kByName, page("[" + near + "]", 1, 1)},
                {kByName, failure(403, 10000)}});
  const auto found = api.run(api.provider->find_dns(kHost)).value();
  REQUIRE(found.has_value());
  CHECK(found->content == kOther);
  CHECK(found->comment == "by hand");
  CHECK_FALSE(api.run(api.provider->find_dns(kHost)).value().has_value());
  CHECK(api.run(api.provider->find_dns(kHost)).error().code == ErrorCode::permission_denied);
}

TEST_CASE("every value of a query is encoded") {
  const std::string odd = "a&name=b #.example.com";
  Scripted api({{kOwnRecords, none()},
                {"POST " + kRecords, failure(400, 81053)},
                {"GET " + kRecords + "?name.exact=a%26name%3Db%20%23.example.com&page=1&per_page=100",
                 one(record_json(odd, kTarget, kComment))}});
  CHECK(put(api, {odd}).has_value());
}

TEST_CASE("a host name that comes to a known tunnel is made while the others are looked at") {
  const std::string other = "b.example.com";
  Scripted api({{kOwnRecords, none()},
                {"POST " + kRecords, success("{}")},
                {kOwnRecords, one(record_json(kHost, kTarget, kComment)), true},
                {"POST " + kRecords, success("{}")},
                {kOwnRecords, none()},  // both were deleted by hand: they are made again, and neither is new
                {"POST " + kRecords, success("{}")},
                {"POST " + kRecords, success("{}")},
                {kOwnRecords, none(), true},
                {"POST " + kRecords, failure(403, 10000)}});
  CHECK(put(api, {kHost}).has_value());
  CHECK(put(api, {kHost, other}).has_value());
  CHECK(put(api, {kHost, other}).has_value());
  const auto refused = put(api, {kHost, other, "c.example.com"});
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == ErrorCode::permission_denied);
}

TEST_CASE("changes to one tunnel wait for each other") {
  Scripted api({{kOwnRecords, none()},
                {"POST " + kRecords, success("{}")},
                {kOwnRecords, one(record_json(kHost, kTarget, kComment))}});
  int done = 0;
  const auto count = [&](std::exception_ptr failure, Result<std::vector<tunnel::DnsRecord>> outcome) {
    CHECK_FALSE(failure);
    CHECK(outcome.has_value());
    ++done;
  };
  boost::asio::co_spawn(api.io, api.provider->put_dns(kTunnelId, kTunnelName, {kHost}), count);
  boost::asio::co_spawn(api.io, api.provider->put_dns(kTunnelId, kTunnelName, {}), count);
  api.io.run();
  CHECK(done == 2);
}
