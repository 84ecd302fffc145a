#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "tests/unit/tunnel/scripted_api.hpp"

using namespace dd;
using namespace dd::test;
using nlohmann::json;

namespace {

const std::string kFind = "GET " + kTunnels + "?name=" + kTunnelName + "&is_deleted=false&page=1&per_page=100";
const std::string kOne = kTunnels + "/" + kTunnelId;

}  // namespace

TEST_CASE("a created tunnel takes its configuration from the API, and the token goes in the header only") {
  Scripted api({{"POST " + kTunnels, success(tunnel_json())}});
  const auto tunnel = api.run(api.provider->ensure(kTunnelName));
  REQUIRE(tunnel.has_value());
  CHECK(tunnel->id == kTunnelId);
  CHECK(tunnel->name == kTunnelName);
  const auto& request = api.api->requests.at(0);
  CHECK(json::parse(request.body) == json{{"name", kTunnelName}, {"config_src", "cloudflare"}});
  CHECK(*request.headers.find("Authorization") == "Bearer " + kApiToken);
  CHECK(request.url.find(kApiToken) == std::string::npos);
}

TEST_CASE("a create whose answer is lost is looked for by exact name, and adopted") {
  Scripted api({{"POST " + kTunnels, no_answer()}, {kFind, one(tunnel_json())}});
  const auto tunnel = api.run(api.provider->ensure(kTunnelName));
  REQUIRE(tunnel.has_value());
  CHECK(tunnel->id == kTunnelId);
}

TEST_CASE("a create that had no effect is sent again only after a look") {
  Scripted api({{"POST " + kTunnels, answer(503, "")}, {kFind, none()}, {"POST " + kTunnels, success(tunnel_json())}});
  CHECK(api.run(api.provider->ensure(kTunnelName)).has_value());
}

TEST_CASE("a taken name is adopted, also when the list lags behind") {
  Scripted api({{"POST " + kTunnels, failure(409, 1013)},
                {kFind, none()},
                {"POST " + kTunnels, failure(409, 1013)},
                {kFind, one(tunnel_json())}});
  CHECK(api.run(api.provider->ensure(kTunnelName)).has_value());
}

TEST_CASE("neither a deleted tunnel nor one of another name nor a locally configured one is adopted") {
  const auto other = one(tunnel_json(kTunnelName + "0"));
  const auto deleted =
      one(R"({"id":")" + kTunnelId + R"(","name":")" + kTunnelName + R"(","deleted_at":"2026-01-01T00:00:00Z"})");
  for (const auto& listed : {other, deleted}) {
    Scripted api(
        {{"POST " + kTunnels, failure(409, 1013)}, {kFind, listed}, {"POST " + kTunnels, success(tunnel_json())}});
    CHECK(api.run(api.provider->ensure(kTunnelName)).has_value());
  }
  Scripted api({{"POST " + kTunnels, failure(409, 1013)},
                {kFind, one(tunnel_json(kTunnelName, kTunnelId, R"(,"config_src":"local")"))}});
  const auto tunnel = api.run(api.provider->ensure(kTunnelName));
  REQUIRE_FALSE(tunnel.has_value());
  CHECK(tunnel.error().code == ErrorCode::conflict);
}

TEST_CASE("a refused create is not repeated") {
  Scripted api({{"POST " + kTunnels, failure(403, 10000)}});
  const auto tunnel = api.run(api.provider->ensure(kTunnelName));
  REQUIRE_FALSE(tunnel.has_value());
  CHECK(tunnel.error().code == ErrorCode::permission_denied);
}

TEST_CASE("a PUT is repeated with growing waits until its deadline") {
  std::vector<Step> steps;
  for (int i = 0; i < 3; ++i) steps.push_back({"PUT " + kOne + "/configurations", answer(500, "")});
  steps.push_back({"PUT " + kOne + "/configurations", success(R"({"version":7})")});
  Scripted api(std::move(steps));
  std::vector<IngressRule> rules{{"a.example.com", "http://localhost:8080"}};
  CHECK(api.run(api.provider->put_ingress(kTunnelId, rules)).value() == 7);
  CHECK(api.timer->slept >= std::chrono::milliseconds(250 + 500 + 1000));
  const json want = {
      {"config",
       {{"ingress",
         {{{"hostname", "a.example.com"}, {"service", "http://localhost:8080"}}, {{"service", "http_status:404"}}}}}}};
  CHECK(json::parse(api.api->requests.at(3).body) == want);
}

TEST_CASE("a configuration whose version is not said, or is none, has been put all the same") {
  for (const std::string result : {"{}", "null", R"({"version":"7"})"}) {
    CAPTURE(result);
    Scripted api({{"PUT " + kOne + "/configurations", success(result)}});
    const auto put = api.run(api.provider->put_ingress(kTunnelId, {}));
    REQUIRE(put.has_value());
    CHECK_FALSE(put->has_value());
  }
}

TEST_CASE("a failure that lasts is given back before the deadline, with its cause") {
  Scripted api({{"PUT " + kOne + "/configurations", answer(500, "oh no")}}, std::chrono::milliseconds(100));
  const auto put = api.run(api.provider->put_ingress(kTunnelId, {}));
  REQUIRE_FALSE(put.has_value());
  CHECK(put.error().code == ErrorCode::unavailable);
  CHECK(put.error().message ==
        "cannot put the ingress of tunnel " + kTunnelId + ": Cloudflare says \"oh no\" (HTTP 500)");
}

TEST_CASE("a list is read to its last page and an item that moved between pages counts once") {
  const auto tunnel = [](int i) {
    auto id = kTunnelId;
    id[0] = static_cast<char>('a' + i);
    return tunnel_json("dd-test-agent-" + std::to_string(i), id);
  };
  const auto call = [](int number) {
    return "GET " + kTunnels + "?include_prefix=dd-test-&is_deleted=false&page=" + std::to_string(number) +
           "&per_page=100";
  };
  Scripted api({{call(1), page("[" + tunnel(0) + "," + tunnel(1) + "]", 2, 5)},
                {call(2), page("[" + tunnel(1) + "," + tunnel(2) + "]", 2, 5)},
                {call(3), page("[" + tunnel_json("ee-foreign") + "]", 1, 5)}});
  const auto tunnels = api.run(api.provider->list("dd-test-"));
  REQUIRE(tunnels.has_value());
  REQUIRE(tunnels->size() == 3);
  CHECK(tunnels->at(2).name == "dd-test-agent-2");
}

TEST_CASE("removing a tunnel takes its DNS records first, then its connectors, then the tunnel") {
  Scripted api({{"GET " + kOne, success(tunnel_json())},
                {kOwnRecords, one(record_json("a.example.com", kTarget, kComment))},
                {"DELETE " + kRecords + "/" + kRecordId, success("{}")},
                {"DELETE " + kOne + "/connections", success("{}")},
                {"DELETE " + kOne, failure(400, 1022)},
                {"DELETE " + kOne + "/connections", success("{}")},
                {"DELETE " + kOne, success("{}")}});
  CHECK(api.run(api.provider->remove(kTunnelId, kTunnelName)).has_value());
}

TEST_CASE("a tunnel of another name is left alone with all its records") {
  Scripted api({{"GET " + kOne, success(tunnel_json(kTunnelName + "0"))}});
  const auto removed = api.run(api.provider->remove(kTunnelId, kTunnelName));
  REQUIRE_FALSE(removed.has_value());
  CHECK(removed.error().code == ErrorCode::conflict);
}

TEST_CASE("removing what is gone is success, and a forgotten tunnel's records go only when they name it") {
  Scripted forgotten(
      {{"GET " + kOne, failure(404, 7003)},
       {kOwnRecords, page("[" + record_json("a.example.com", kTarget, kComment) + "," +
                              record_json("b.example.com", kTarget, "by hand", std::string(32, 'd')) + "]",
                          2, 2)},
       {"DELETE " + kRecords + "/" + kRecordId, failure(404, 81044)}});
  CHECK(forgotten.run(forgotten.provider->remove(kTunnelId, kTunnelName)).has_value());

  Scripted raced({{"GET " + kOne, success(tunnel_json())},
                  {kOwnRecords, none()},
                  {"DELETE " + kOne + "/connections", failure(404, 7003)},
                  {"DELETE " + kOne, failure(404, 7003)}});
  CHECK(raced.run(raced.provider->remove(kTunnelId, kTunnelName)).has_value());
}

TEST_CASE("nothing but a UUID enters a path, and nothing is sent with ids that are none") {
  Scripted api({});
  for (const std::string id : {"", "../../user/tokens", "11111111-2222-4333-8444-55555555555",
                               "11111111-2222-4333-8444-55555555555G", "11111111/2222-4333-8444-555555555555"}) {
    CAPTURE(id);
    CHECK_FALSE(api.run(api.provider->run_token(id)).has_value());
    CHECK_FALSE(api.run(api.provider->remove(id, kTunnelName)).has_value());
  }
  for (const auto& name : {std::string(), kTunnelId, std::string("a b"), std::string(64, 'a')}) {
    CAPTURE(name);
    const auto tunnel = api.run(api.provider->ensure(name));
    REQUIRE_FALSE(tunnel.has_value());
    CHECK(tunnel.error().code == ErrorCode::invalid_argument);
  }
}

TEST_CASE("an answer that makes no sense is not believed") {
  for (const std::string result : {"null", "{}", R"({"id":"../x","name":"n"})", R"([1])"}) {
    CAPTURE(result);
    Scripted api({{"POST " + kTunnels, success(result)}});
    const auto tunnel = api.run(api.provider->ensure(kTunnelName));
    REQUIRE_FALSE(tunnel.has_value());
    CHECK(tunnel.error().code == ErrorCode::upstream);
  }
  Scripted api({{"GET " + kOne + "/token", success("{}")}});
  CHECK_FALSE(api.run(api.provider->run_token(kTunnelId)).has_value());
}

TEST_CASE("a tunnel is gone when Cloudflare says that of its id, and for no other reason") {
  const auto saying = [](const std::string& member, const std::string& value) {
    auto tunnel = json::parse(tunnel_json(kTunnelName, kTunnelId));
    tunnel[member] = value;
    return success(tunnel.dump());
  };
  const struct {
    std::string name;
    Result<HttpResponse> answer;
    std::optional<bool> gone;
  } cases[] = {
      {"there", success(tunnel_json(kTunnelName, kTunnelId)), false},
      {"degraded", saying("status", "degraded"), false},
      {"down", saying("status", "down"), false},
      {"deleted", saying("deleted_at", "2026-01-02T00:00:00Z"), true},
      {"unknown", failure(404, 1003), true},
      {"forbidden", failure(403, 10000), std::nullopt},
      {"nonsense", success("7"), std::nullopt},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    Scripted api({{"GET " + kOne, c.answer}});
    const auto gone = api.run(api.provider->is_gone(kTunnelId));
    CHECK(gone.has_value() == c.gone.has_value());
    if (gone && c.gone) CHECK(*gone == *c.gone);
  }
  // Of Cloudflare down, and of somebody else's 404 on the way.
  for (const auto& trouble : {answer(500, "oh no"), answer(404, "<html>")}) {
    Scripted api({{"GET " + kOne, trouble}}, std::chrono::milliseconds(100));
    CHECK_FALSE(api.run(api.provider->is_gone(kTunnelId)).has_value());
  }
}
