// What a client of Cloudflare's API relies on: the envelope, its error codes, its paging and its traps.
#include "libdd/local/edge_api.hpp"

#include <doctest/doctest.h>

#include "libdd/core/json.hpp"
#include "tests/support/ask_route.hpp"

using namespace dd;
using namespace dd::local;

namespace {

const std::string kTunnels = "/client/v4/accounts/account/cfd_tunnel";
const std::string kRecords = "/client/v4/zones/zone/dns_records";

struct Answer {
  int status = 0;
  Json body;

  [[nodiscard]] bool success() const { return body.at("success").get<bool>(); }
  [[nodiscard]] int code() const { return body.at("errors").at(0).at("code").get<int>(); }
  [[nodiscard]] const Json& result() const { return body.at("result"); }
};

struct ApiEdge {
  net::asio::io_context io;
  EdgeState state{"account", {"zone", "other-zone"}};
  EdgeReverse reverse{io.get_executor(), state};
  EdgeApi api{state, reverse, Secret("api token")};
  net::Router router;

  ApiEdge() { api.add_routes(router); }
  Answer call(const std::string& method, const std::string& target, const Json& body = Json(),
              const std::string& token = "api token") {
    const auto response =
        test::ask(io, router, {method, target, test::bearer(token), body.is_null() ? "" : to_text(body)}).value();
    return {response.status, parse_json(response.body).value()};
  }
  std::string tunnel(const std::string& name) {
    return call("POST", kTunnels, {{"name", name}, {"config_src", "cloudflare"}}).result().at("id").get<std::string>();
  }
  Answer record(const std::string& name, const std::string& content) {
    return call("POST", kRecords,
                {{"type", "CNAME"}, {"name", name}, {"content", content}, {"comment", "ours"}, {"proxied", true}});
  }
};

void check_refused(const Answer& answer, int status, int code) {
  CHECK(answer.status == status);
  CHECK_FALSE(answer.success());
  CHECK(answer.code() == code);
  CHECK(answer.result().is_null());
}

}  // namespace

TEST_CASE("every call takes the API token, and a fault is not spent by one without it") {
  ApiEdge f;
  f.api.faults().fail_next(1, net::json_response("{}", 500));
  for (const std::string token : {"", "api", "api token2", "API TOKEN"})
    check_refused(f.call("GET", kTunnels, Json(), token), 403, 10000);
  CHECK(f.api.faults().requests() == 0);
  CHECK(f.call("GET", kTunnels).status == 500);
  CHECK(f.call("GET", kTunnels).success());
}

TEST_CASE("a tunnel is made once under a name, with configuration from here") {
  ApiEdge f;
  const auto id = f.tunnel("a");
  CHECK(f.call("GET", kTunnels + "/" + id).result().at("name") == "a");
  check_refused(f.call("POST", kTunnels, {{"name", "a"}, {"config_src", "cloudflare"}}), 409, 1013);
  check_refused(f.call("POST", kTunnels, {{"name", "b"}}), 400, 1030);  // "local", as the real one's default
  check_refused(f.call("POST", kTunnels, {{"config_src", "cloudflare"}}), 400, 1030);
  check_refused(f.call("POST", kTunnels, Json("a")), 400, 1030);
}

TEST_CASE("a deleted tunnel is still shown, and nothing more can be done with it") {
  ApiEdge f;
  const auto id = f.tunnel("a");
  const auto one = kTunnels + "/" + id;
  CHECK(f.call("DELETE", one).success());
  CHECK(f.call("GET", one).result().at("deleted_at").is_string());
  check_refused(f.call("DELETE", one), 404, 1003);
  check_refused(f.call("GET", one + "/token"), 404, 1003);
  check_refused(f.call("PUT", one + "/configurations", {{"config", {{"ingress", {{{"service", "http_status:404"}}}}}}}),
                404, 1003);
  check_refused(f.call("GET", kTunnels + "/nothing"), 404, 1003);
  CHECK(f.call("GET", kTunnels + "?is_deleted=false").result().empty());
  CHECK(f.call("GET", kTunnels).result().size() == 1);
}

TEST_CASE("a list comes in pages of twenty unless more are asked for") {
  ApiEdge f;
  for (int i = 0; i < 25; ++i) f.tunnel("t" + std::to_string(i));
  const auto first = f.call("GET", kTunnels);
  CHECK(first.result().size() == 20);
  CHECK(first.body.at("result_info") == Json{{"page", 1}, {"per_page", 20}, {"count", 20}, {"total_count", 25}});
  CHECK(f.call("GET", kTunnels + "?page=2").result().size() == 5);
  CHECK(f.call("GET", kTunnels + "?page=3").result().empty());
  CHECK(f.call("GET", kTunnels + "?per_page=100").result().size() == 25);
  CHECK(f.call("GET", kTunnels + "?page=0&per_page=0").result().size() == 1);
  CHECK(f.call("GET", kTunnels + "?page=x&per_page=10").result().size() == 10);
  CHECK(f.call("GET", kTunnels + "?name=t7").result().size() == 1);
  CHECK(f.call("GET", kTunnels + "?include_prefix=t2&per_page=100").result().size() == 6);
}

TEST_CASE("an ingress needs a last rule that takes every host") {
  ApiEdge f;
  const auto path = kTunnels + "/" + f.tunnel("a") + "/configurations";
  const Json host = {{"hostname", "web.dd.example"}, {"service", "http://localhost:8000"}};
  const Json rest = {{"service", "http_status:404"}};
  const Json bad[] = {Json::array(),
                      Json::array({host}),
                      Json::array({rest, host}),
                      Json("all"),
                      Json(),
                      Json::array({7}),
                      Json::array({"all", rest}),
                      Json::array({{{"hostname", 7}, {"service", "x"}}, rest})};
  for (const auto& ingress : bad) {
    CAPTURE(ingress.dump());
    check_refused(f.call("PUT", path, {{"config", {{"ingress", ingress}}}}), 400, 1056);
  }
  check_refused(f.call("PUT", path, Json::array()), 400, 1030);
  CHECK(f.call("GET", path).result().at("version") == 0);
  CHECK(f.call("PUT", path, {{"config", {{"ingress", {host, rest}}}}}).result().at("version") == 1);
  CHECK(f.call("GET", path).result().at("config").at("ingress").size() == 2);
}

TEST_CASE("a host has one record") {
  ApiEdge f;
  CHECK(f.record("web.dd.example", "a.cfargotunnel.com").success());
  check_refused(f.record("web.dd.example", "a.cfargotunnel.com"), 400, 81058);
  check_refused(f.record("WEB.dd.example", "b.cfargotunnel.com"), 400, 81053);
  check_refused(f.call("POST", kRecords, {{"type", "CNAME"}}), 400, 1004);
  check_refused(f.call("POST", kRecords,
                       {{"type", "CNAME"}, {"name", "a"}, {"content", "b"}, {"comment", std::string(101, 'c')}}),
                400, 1004);
}

TEST_CASE("a record is found by its name and content, changed and deleted by its id") {
  ApiEdge f;
  const auto id = f.record("web.dd.example", "a.cfargotunnel.com").result().at("id").get<std::string>();
  f.record("db.dd.example", "a.cfargotunnel.com");
  CHECK(f.call("GET", kRecords + "?content.exact=a.cfargotunnel.com").result().size() == 2);
  CHECK(f.call("GET", kRecords + "?name.exact=web.dd.example&type=CNAME").result().size() == 1);
  CHECK(f.call("GET", kRecords + "?name=web.dd.example&type=A").result().empty());

  const Json changed = {{"type", "CNAME"}, {"name", "Web2.dd.example"}, {"content", "b.cfargotunnel.com"}};
  CHECK(f.call("PUT", kRecords + "/" + id, changed).result().at("id") == id);
  CHECK(f.state.route("web2.dd.example").tunnel_id == "b");
  CHECK(f.state.route("web.dd.example").kind == EdgeRoute::Kind::no_record);
  check_refused(f.call("PUT", kRecords + "/" + id, Json::object()), 400, 1004);
  CHECK(f.call("DELETE", kRecords + "/" + id).success());
  check_refused(f.call("DELETE", kRecords + "/" + id), 404, 81044);
  check_refused(f.call("PUT", kRecords + "/" + id, changed), 404, 81044);
}

TEST_CASE("failures can be ordered, the kind that says 200 too") {
  ApiEdge f;
  const Json order = {{"times", 2}, {"status", 200}, {"code", 1234}};
  CHECK(f.call("POST", "/__edge/faults", order).status == 200);
  check_refused(f.call("GET", kTunnels), 200, 1234);
  check_refused(f.call("GET", kRecords), 200, 1234);
  CHECK(f.call("GET", kTunnels).success());
  CHECK(f.call("GET", "/__edge/state").body.at("requests") == 4);
}

TEST_CASE("each zone has its own records, and there is no other zone") {
  ApiEdge f;
  const std::string other = "/client/v4/zones/other-zone/dns_records";
  const auto id = f.record("a.dd.example", "x").result().at("id").get<std::string>();
  CHECK(f.call("GET", other).result().empty());
  check_refused(f.call("DELETE", other + "/" + id), 404, 81044);
  CHECK(f.call("POST", other, {{"type", "CNAME"}, {"name", "a.dd-apps.example"}, {"content", "x"}}).success());
  CHECK(f.call("GET", other).result().size() == 1);
  CHECK(f.call("GET", kRecords).result().size() == 1);
  check_refused(f.call("GET", "/client/v4/zones/no-zone/dns_records"), 404, 7003);
}
