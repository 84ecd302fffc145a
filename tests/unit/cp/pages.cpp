#include "libdd/cp/pages.hpp"

#include <doctest/doctest.h>

#include "libdd/cp/fleet_view.hpp"
#include "tests/unit/cp/visitors.hpp"

using namespace dd;
using namespace dd::cp;

namespace {

const std::string kRefused =
    R"({"accepted":false,"tofu":false,"notes":["RTMR3 is not extended"],"rules":[)"
    R"({"rule":"mrtd","passed":false,"mode":"enforce","explanation":"MRTD aa is not on the list"},)"
    R"({"rule":"tcb_status","passed":false,"mode":"warn","explanation":"TCB is OutOfDate"},)"
    R"({"rule":"debug","passed":true,"mode":"enforce","explanation":"not a debug TD"}]})";

}  // namespace

TEST_CASE("a stranger is sent to the sign-in page and back, and a program is told that it is nobody") {
  Visitors f;
  for (const auto& [path, next] : {std::pair("/", "%2F"), std::pair("/agent/dd-1", "%2Fagent%2Fdd-1")}) {
    CAPTURE(path);
    const auto away = f.get({}, path);
    REQUIRE(away.has_value());
    CHECK(away->status == 303);
    CHECK(header_of(away, "Location") == "/auth/pat?next=" + std::string(next));
    CHECK(away->body.empty());
  }
  const auto refused = f.ask("GET", "/api/agents");
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == ErrorCode::unauthenticated);
}

TEST_CASE("who is known and not the owner is not sent in circles") {
  Visitors f;
  const auto page = f.ask("GET", "/", test::bearer(kStrangerPat));
  REQUIRE(page.has_value());
  CHECK(page->status == 403);
}

TEST_CASE("the fleet shows every agent with its state and where it is") {
  Visitors f;
  f.keep_agent("dd-1", AgentStatus::healthy);
  f.keep_agent("dd-2", AgentStatus::quarantined);
  const auto page = f.get(f.signed_in(), "/");
  REQUIRE(page.has_value());
  CHECK(page->status == 200);
  for (const auto* part : {"Signed in as <b>octo</b>", "vm of dd-1", "/agent/dd-2", "https://dd-2.dd.example/",
                           "healthy", "quarantined: none", "TDX, TCB UpToDate", "TRUST ON FIRST USE"}) {
    CAPTURE(part);
    CHECK(contains(page->body, part));
  }
  CHECK_FALSE(contains(page->body, "SIMULATED"));
}

TEST_CASE("a fleet that accepts simulated evidence says so") {
  ControlPlaneOptions options;
  options.accept_simulated = true;
  Visitors f(std::move(options));
  CHECK(contains(f.get(f.signed_in(), "/")->body, "SIMULATED"));
}

TEST_CASE("an agent's page shows the verdict with its reasons") {
  Visitors f;
  auto record = sample_record("dd-1", "vm-1");
  record.verdict = kRefused;
  f.must(f.store.save(record));
  const auto browser = f.signed_in();
  const auto page = f.get(browser, "/agent/dd-1");
  REQUIRE(page.has_value());
  for (const auto* part : {"not accepted", "MRTD aa is not on the list", "FAIL", "warn", "RTMR3 is not extended",
                           "2026-09-21T14:13:20Z", "https://web.dd-1.dd.example/"}) {
    CAPTURE(part);
    CHECK(contains(page->body, part));
  }
  CHECK(f.get(browser, "/agent/dd-9")->status == 404);
}

TEST_CASE("an agent's own words are text") {
  Visitors f;
  auto record = sample_record("dd-1", "vm-1");
  record.reason = "<script>alert(1)</script>";
  f.must(f.store.save(record));
  for (const auto* path : {"/", "/agent/dd-1"}) {
    const auto page = f.get(f.signed_in(), path);
    CHECK(contains(page->body, "&lt;script&gt;"));
    CHECK_FALSE(contains(page->body, "<script>alert"));
  }
}

TEST_CASE("nothing passes for accepted that was not") {
  auto record = sample_record("dd-1", "vm-1");
  record.verdict = R"({"accepted":true,"tofu":true,"notes":[],"rules":[]})";
  CHECK(row_of(record, "").verdict == "accepted on first use");
  record.verdict = R"({"accepted":true,"tofu":false,"notes":[],"rules":[]})";
  CHECK(row_of(record, "").verdict == "accepted");
  for (const auto* verdict : {"", "{", "[]", "{}", R"({"accepted":"true","notes":[],"rules":[]})",
                              R"({"accepted":true})", R"({"accepted":true,"notes":[],"rules":7})"}) {
    CAPTURE(verdict);
    record.verdict = verdict;
    CHECK(row_of(record, "").verdict == "not accepted");
  }
  record.compat = true;
  CHECK(row_of(record, "").attestation.starts_with("NOT ATTESTED"));
  record.compat = false;
  record.pins.simulated = true;
  CHECK(row_of(record, "").attestation.starts_with("SIMULATED"));
}

TEST_CASE("the files of pages are for anyone") {
  Visitors f;
  const auto file = f.ask("GET", "/static/rows.js");
  REQUIRE(file.has_value());
  CHECK(file->content_type == "text/javascript; charset=utf-8");
  CHECK_FALSE(f.ask("GET", "/static/rows.cpp").has_value());
  CHECK_FALSE(f.ask("GET", "/static/..%2fpages.cpp").has_value());
}
