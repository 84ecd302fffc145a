#include "libdd/web/fleet_page.hpp"

#include "libdd/net/url.hpp"
#include "libdd/web/header.hpp"

namespace dd::web {
namespace {

Html banners(const FleetBanner& banner) {
  Html html;
  if (banner.simulated)
    html << "<p class=\"banner red\">SIMULATED: this fleet accepts evidence that no hardware vouches for. Nothing here "
            "is "
            "protected.</p>\n";
  if (banner.tofu)
    html << "<p class=\"banner amber\">TRUST ON FIRST USE: no policy says which software may join; what an agent "
            "showed first is "
            "pinned.</p>\n";
  return html;
}

Html remarks(const std::vector<std::string>& lines) {
  Html html;
  for (const auto& line : lines) (html << "<div>").text(line) << "</div>";
  return html;
}

/// static/fleet.js makes the same rows of GET /api/agents.
Html agent_row(const AgentRow& agent) {
  Html html;
  html << "<tr><td><a href=\"/agent/";
  html.text(net::percent_encode(agent.agent_id)) << "\">";
  html.text(agent.vm_name) << "</a></td><td>";
  html.text(agent.status);
  if (!agent.reason.empty()) (html << ": ").text(agent.reason);
  (html << "</td><td>").text(agent.attestation) << "</td><td>";
  html.text(agent.verdict) << remarks(agent.remarks) << "</td><td><a href=\"";
  html.text(agent.url) << "\">";
  html.text(agent.hostname) << "</a></td></tr>\n";
  return html;
}

Html fact(Markup name, std::string_view value, Markup id = "") {
  Html html;
  html << "<tr><th>" << name << "</th><td id=\"" << id << "\">";
  html.text(value) << "</td></tr>\n";
  return html;
}

Html facts(const AgentView& view) {
  const auto& agent = view.agent;
  Html html;
  html << "<table>\n"
       << fact("Agent", agent.agent_id) << fact("Status", agent.status, "status")
       << fact("Reason", agent.reason, "reason") << fact("Attestation", agent.attestation, "attestation")
       << fact("Verdict", agent.verdict, "verdict") << fact("Last seen", view.last_seen, "last-seen")
       << fact("Registered", view.registered_at) << fact("Key", view.kid) << fact("MRTD", view.mrtd)
       << "<tr><th>Host</th><td><a href=\"";
  html.text(agent.url) << "\">";
  html.text(agent.hostname) << "</a></td></tr>\n";
  for (const auto& url : view.workload_urls) {
    html << "<tr><th>Workload</th><td><a href=\"";
    html.text(url) << "\" rel=\"noreferrer\">";
    html.text(url) << "</a></td></tr>\n";
  }
  html << "</table>\n";
  return html;
}

Html rule_rows(const std::vector<RuleRow>& rules) {
  Html html;
  for (const auto& rule : rules) {
    (html << "<tr><td>").text(rule.rule) << "</td><td>";
    html.text(rule.outcome) << "</td><td>";
    html.text(rule.explanation) << "</td></tr>\n";
  }
  return html;
}

}  // namespace

Page fleet_page(const FleetView& view) {
  Page page;
  page.title = "Fleet " + view.env;
  page.scripts = {"fleet.js"};
  (page.content << header(view.person) << banners(view.banner) << "<main>\n<h1>Fleet ").text(view.env)
      << "</h1>\n<table>\n<thead><tr><th>VM</th><th>Status</th><th>Attestation</th><th>Verdict</th><th>Host</th></tr></"
         "thead>\n"
         "<tbody id=\"agents\">\n";
  for (const auto& agent : view.agents) page.content << agent_row(agent);
  if (view.agents.empty()) page.content << "<tr><td colspan=\"5\">No agents registered</td></tr>\n";
  page.content
      << "</tbody>\n</table>\n<p><a href=\"/agent/control-plane\">The control plane's own VM</a></p>\n</main>\n";
  return page;
}

Page agent_page(const AgentView& view) {
  Page page;
  page.title = view.agent.vm_name;
  page.scripts = {"member.js"};
  auto& html = page.content;
  (html << header(view.person) << banners(view.banner) << "<main data-agent=\"").text(view.agent.agent_id)
      << "\">\n<p><a href=\"/\">Fleet</a></p>\n<h1>";
  html.text(view.agent.vm_name)
      << "</h1>\n"
      << facts(view) << "<h2>What the policy says</h2>\n<div id=\"remarks\">" << remarks(view.agent.remarks)
      << "</div>\n<table>\n<thead><tr><th>Rule</th><th>Outcome</th><th>Why</th></tr></thead>\n<tbody id=\"rules\">\n"
      << rule_rows(view.rules) << "</tbody>\n</table>\n</main>\n";
  return page;
}

}  // namespace dd::web
