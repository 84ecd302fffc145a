#include "libdd/cli/doctor.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <ranges>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "libdd/core/json.hpp"
#include "tests/support/scripted_transport.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/ita/issuer_fixture.hpp"

using namespace dd;
using namespace dd::cli;

namespace {

MachineFacts sound_machine() { return {"6.16.3-cloud", true, true, true, true, true, true}; }

const Check& check_of(const std::vector<Check>& checks, std::string_view what) {
  const auto found = std::ranges::find(checks, what, &Check::what);
  REQUIRE(found != checks.end());
  return *found;
}

/// A control plane's surroundings in which everything is as it should be, until a test changes one answer.
struct Surroundings {
  TempDir dir;
  ita::IssuerFixture issuer;
  ControlPlaneOptions options;
  std::map<std::string, HttpResponse> answers;  // by what the URL contains
  test::ScriptedTransport transport{[this](const HttpRequest& request) { return answer(request); }};

  Surroundings() {
    options.owner = {"octo", 42, OwnerKind::user};
    options.hostname = "app.dd.example";
    options.domain = "dd.example";
    options.workload_domain = "dd-apps.example";
    options.workload_zone_id = "workload-zone";
    options.ingress_style = IngressStyle::flat;
    options.policy = "tofu";
    options.state_dir = dir.path() / "state";
    options.cloudflare_account_id = "account";
    options.cloudflare_zone_id = "zone";
    options.cloudflare_api_token = Secret("cf-secret-token");
    const auto empty = R"({"success":true,"errors":[],"messages":[],"result":[]})";
    answers["/cfd_tunnel"] = answers["/dns_records"] = test::http_answer(200, empty);
    answers["/certs"] = issuer.certs().value();
    answers["/users/octo"] = test::http_answer(200, R"({"login":"octo","id":42,"type":"User"})");
  }
  Result<HttpResponse> answer(const HttpRequest& request) const {
    // From the end, so that one of several zones can answer for itself.
    for (const auto& [part, response] : std::views::reverse(answers))
      if (request.url.find(part) != std::string::npos) return response;
    return fail(ErrorCode::unavailable, "cannot connect to " + request.url);
  }
  std::vector<Check> checks() { return check_control_plane(options, transport); }
};

}  // namespace

TEST_CASE("a TDX guest with everything on it is well") {
  for (const auto& check : check_machine(sound_machine())) {
    CAPTURE(check.what);
    CHECK(check.health == Health::good);
    CHECK(check.fix.empty());
  }
}

TEST_CASE("each thing that a machine lacks is named with what to do") {
  const struct {
    std::function<void(MachineFacts&)> lack;
    const char* what;
    Health health;
    const char* fix;
  } cases[] = {
      {[](auto& m) { m.tsm_reports = false; }, "TDX evidence", Health::bad, "tdx_guest"},
      {[](auto& m) { m.tsm_reports = m.configfs = false; }, "TDX evidence", Health::bad, "mount -t configfs"},
      {[](auto& m) {
         m.tsm_reports = false;
         m.kernel = "6.1.0-28-amd64";
       },
       "TDX evidence", Health::bad, "6.7"},
      {[](auto& m) {
         m.tsm_reports = false;
         m.kernel = "nonsense";
       },
       "TDX evidence", Health::bad, "6.7"},
      {[](auto& m) { m.rtmr_sysfs = false; }, "RTMR3", Health::doubtful, "6.16"},
      {[](auto& m) { m.root = false; }, "boundary", Health::doubtful, "as root"},
      {[](auto& m) { m.connector = false; }, "connector", Health::bad, "install cloudflared"},
      {[](auto& m) { m.podman = false; }, "containers", Health::doubtful, "install podman"},
  };
  for (const auto& c : cases) {
    auto machine = sound_machine();
    c.lack(machine);
    const auto checks = check_machine(machine);
    const auto& check = check_of(checks, c.what);
    CHECK(check.health == c.health);
    CHECK(check.fix.find(c.fix) != std::string::npos);
  }
}

TEST_CASE("a control plane whose surroundings answer is well, tofu apart") {
  Surroundings f;
  for (const auto& check : f.checks()) {
    CAPTURE(check.what);
    CAPTURE(check.found);
    CHECK(check.health == (check.what == "policy" ? Health::doubtful : Health::good));
  }
}

TEST_CASE("what a control plane lacks is named with what to do, and no secret is shown") {
  const auto refused = test::http_answer(
      403, R"({"success":false,"errors":[{"code":10000,"message":"cf-secret-token is no good"}],"result":null})");
  const struct {
    std::function<void(Surroundings&)> spoil;
    const char* what;
    Health health;
    const char* words;
  } cases[] = {
      {[&](auto& f) { f.answers["/cfd_tunnel"] = refused; }, "Cloudflare tunnels", Health::bad,
       "Cloudflare Tunnel / Edit"},
      {[&](auto& f) { f.answers["/dns_records"] = refused; }, "Cloudflare DNS records", Health::bad, "DNS / Edit"},
      {[](auto& f) { f.answers.erase("/dns_records"); }, "Cloudflare DNS records", Health::bad, "DD_CF_API_URL"},
      {[](auto& f) { f.answers.erase("/certs"); }, "ITA keys", Health::bad, "DD_ITA_JWKS_URL"},
      {[](auto& f) { f.answers["/certs"] = test::http_answer(200, "<html>"); }, "ITA keys", Health::bad,
       "DD_ITA_JWKS_URL"},
      {[](auto& f) { f.answers["/users/octo"] = test::http_answer(404, R"({"message":"Not Found"})"); }, "owner",
       Health::bad, "DD_OWNER"},
      {[](auto& f) { f.answers["/users/octo"] = test::http_answer(200, R"({"login":"octo","id":43,"type":"User"})"); },
       "owner", Health::bad, "somebody else"},
      {[](auto& f) { f.options.owner.id = 0; }, "owner", Health::doubtful, "DD_OWNER_ID=42"},
      {[](auto& f) { f.options.policy = "/nowhere/policy.json"; }, "policy", Health::bad, "DD_POLICY"},
      {[](auto& f) { f.options.policy = f.dir.path().string(); }, "policy", Health::bad, "DD_POLICY"},
      {[](auto& f) { f.options.policy = f.dir.write("policy.json", "{}"); }, "policy", Health::bad, "correct"},
      {[](auto& f) { f.options.hostname = "app.other.example"; }, "host name", Health::bad, "DD_HOSTNAME"},
      {[](auto& f) { f.options.hostname = "appdd.example"; }, "host name", Health::bad, "DD_HOSTNAME"},
      {[](auto& f) { f.options.ingress_style = IngressStyle::nested; }, "host name", Health::doubtful,
       "advanced certificate"},
      {[](auto& f) { f.options.workload_domain.clear(); }, "workloads' domain", Health::doubtful, "DD_WORKLOAD_DOMAIN"},
      {[](auto& f) { f.options.workload_domain = "apps.dd.example"; }, "workloads' domain", Health::doubtful,
       "DD_WORKLOAD_DOMAIN"},
      {[&](auto& f) { f.answers["/zones/workload-zone"] = refused; }, "Cloudflare DNS records of workloads",
       Health::bad, "DD_WORKLOAD_ZONE_ID"},
      {[](auto& f) { f.options.state_dir = f.dir.write("file", {}) / "state"; }, "state", Health::bad, "DD_STATE_DIR"},
      {[](auto& f) { f.options.accept_simulated = true; }, "evidence", Health::doubtful, "DD_ACCEPT_SIMULATED"},
  };
  for (const auto& c : cases) {
    CAPTURE(c.what);
    CAPTURE(c.words);
    Surroundings f;
    c.spoil(f);
    const auto checks = f.checks();
    const auto& check = check_of(checks, c.what);
    CHECK(check.health == c.health);
    CHECK(check.fix.find(c.words) != std::string::npos);
    CHECK(check.found.find("cf-secret-token") == std::string::npos);
  }
}
