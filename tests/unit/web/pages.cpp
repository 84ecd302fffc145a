#include <doctest/doctest.h>

#include "libdd/web/fleet_page.hpp"
#include "libdd/web/sign_in_page.hpp"
#include "libdd/web/static_files.hpp"
#include "libdd/web/terminal_page.hpp"
#include "libdd/web/workload_page.hpp"

using namespace dd::web;

namespace {

/// Breaks out of text, of both kinds of quoted attribute, and of a comment, where it is not escaped.
const std::string kScript = "\"'--></title><script>alert(1)</script><img src=x onerror=alert(1)>";

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

std::string policy_of(const Page& page) { return *answer(page).headers.find("Content-Security-Policy"); }

AgentRow hostile_row() {
  return {kScript, kScript, kScript, kScript, kScript, kScript, kScript, kScript, {kScript, kScript}};
}

WorkloadRow hostile_workload() { return {kScript, kScript, kScript, kScript, kScript, {kScript}}; }

}  // namespace

TEST_CASE("no page makes markup of what it shows") {
  const FleetBanner banner{true, true};
  const std::pair<const char*, Page> pages[] = {
      {"fleet", fleet_page({kScript, kScript, banner, {hostile_row()}})},
      {"agent", agent_page({kScript,
                            banner,
                            hostile_row(),
                            kScript,
                            kScript,
                            kScript,
                            kScript,
                            {kScript},
                            {{kScript, kScript, kScript}}})},
      {"sign-in", sign_in_page({kScript, kScript, 401, true})},
      {"link", link_page(kScript)},
      {"hand-off", handoff_page({kScript, kScript, kScript, kScript})},
      {"signed out", signed_out_page(kScript)},
      {"workloads", workloads_page({kScript, kScript, kScript, kScript, kScript, {hostile_workload()}})},
      {"workload", workload_page({kScript, true, hostile_workload(), {kScript, kScript}})},
      {"terminal", terminal_page({kScript, true, kScript, kScript, kScript, kScript, kScript}, dd::system_random())},
      {"message", message_page(404, kScript, kScript)},
  };
  for (const auto& [name, page] : pages) {
    CAPTURE(name);
    const auto body = answer(page).body;
    CHECK(contains(body, "&lt;script&gt;alert(1)"));
    CHECK_FALSE(contains(body, "<script>alert"));
    CHECK_FALSE(contains(body, "<img"));
    CHECK_FALSE(contains(body, "\"'"));
  }
}

TEST_CASE("style elements are for a page that has a nonce, and for those with that nonce") {
  CHECK(contains(policy_of(message_page(200, "a", "b")), "style-src 'self';"));
  Page page;
  page.style_nonce = "bm9uY2U";
  CHECK(contains(policy_of(page), "style-src 'self' 'nonce-bm9uY2U';"));
  CHECK(contains(policy_of(page), "script-src 'self';"));
}

TEST_CASE("a page runs our own files and nothing else, and is in nobody's frame") {
  const auto response = answer(message_page(200, "a", "b"));
  CHECK(response.content_type == "text/html; charset=utf-8");
  const auto policy = policy_of(message_page(200, "a", "b"));
  CHECK(contains(policy, "default-src 'none'; script-src 'self'; style-src 'self'"));
  CHECK(contains(policy, "base-uri 'none'; frame-ancestors 'none'; form-action 'self'"));
  CHECK_FALSE(contains(policy, "unsafe"));
  CHECK_FALSE(contains(policy, "*"));
  CHECK(*response.headers.find("X-Frame-Options") == "DENY");
  CHECK(*response.headers.find("Referrer-Policy") == "strict-origin");
}

TEST_CASE("only the hand-off may post to another host, and to one alone") {
  CHECK(policy_of(handoff_page({"vm-1", "https://dd-1.dd.example", "a.b.c", "/"}))
            .ends_with("form-action 'self' https://dd-1.dd.example"));
  CHECK(policy_of(fleet_page({})).ends_with("form-action 'self'"));
}

TEST_CASE("a simulated fleet says so on every page, and one that is not says nothing") {
  CHECK(contains(answer(fleet_page({"octo", "local", {true, false}, {}})).body, "SIMULATED"));
  CHECK_FALSE(contains(answer(fleet_page({"octo", "local", {false, false}, {}})).body, "SIMULATED"));
  CHECK(contains(answer(fleet_page({"octo", "local", {false, true}, {}})).body, "TRUST ON FIRST USE"));
  CHECK(contains(answer(workloads_page({"octo", "vm-1", "dd-1", "simulated", "https://app.dd.example", {}})).body,
                 "SIMULATED"));
  CHECK_FALSE(contains(answer(workloads_page({"octo", "vm-1", "dd-1", "attested", "https://app.dd.example", {}})).body,
                       "SIMULATED"));
}

TEST_CASE("an agent shows why it is not healthy, and each rule with its outcome") {
  AgentView view;
  view.agent = {
      "dd-1",         "vm-1", "dd-1.dd.example", "https://dd-1.dd.example/", "quarantined", "token expired", "TDX",
      "not accepted", {}};
  view.rules = {{"mrtd", "FAIL", "MRTD is not on the list"}};
  const auto body = answer(agent_page(view)).body;
  for (const auto* part : {"quarantined", "token expired", "not accepted", "MRTD is not on the list", "FAIL"}) {
    CAPTURE(part);
    CHECK(contains(body, part));
  }
}

TEST_CASE("the form says what went wrong, with the status of it, and keeps where to go on to") {
  const auto refused = answer(sign_in_page({"/agent/1", "cannot accept token", 401, false}));
  CHECK(refused.status == 401);
  CHECK(contains(refused.body, "cannot accept token"));
  CHECK(contains(refused.body, "name=\"next\" value=\"/agent/1\""));
  CHECK_FALSE(contains(refused.body, "/auth/github/start"));
  CHECK(contains(answer(sign_in_page({"/a?b=c", "", 200, true})).body, "/auth/github/start?next=%2Fa%3Fb%3Dc"));
}

TEST_CASE("every file that a page loads is there, as it was written") {
  const auto find = [](std::string_view name) {
    for (const auto& file : static_files())
      if (file.name == name) return file;
    FAIL("missing " << name);
    return StaticFile{};
  };
  CHECK(contains(find("style.css").content, "body {"));
  CHECK(find("style.css").content_type == "text/css; charset=utf-8");
  for (const auto& page : {fleet_page({}), agent_page({}), workloads_page({}), workload_page({}), handoff_page({})})
    for (const auto& script : page.scripts) {
      CAPTURE(script);
      const auto file = find(script);
      CHECK(file.content_type == "text/javascript; charset=utf-8");
      CHECK(file.content.ends_with("\n"));
    }
}

TEST_CASE("no script of ours makes markup of data") {
  for (const auto& file : static_files()) {
    CAPTURE(file.name);
    for (const auto* way : {"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("})
      CHECK_FALSE(contains(file.content, way));
  }
}
