#include "libdd/web/workload_page.hpp"

#include "libdd/net/url.hpp"
#include "libdd/web/header.hpp"

namespace dd::web {
namespace {

Html links(const std::vector<std::string>& urls) {
  Html html;
  for (const auto& url : urls) {
    html << "<div><a href=\"";
    html.text(url) << "\" rel=\"noreferrer\">";
    html.text(url) << "</a></div>";
  }
  return html;
}

/// static/workloads.js makes the same rows of GET /deployments.
Html row(const WorkloadRow& workload) {
  Html html;
  html << "<tr><td><a href=\"/workload/";
  html.text(net::percent_encode(workload.id)) << "\">";
  html.text(workload.app_name) << "</a></td><td>";
  html.text(workload.status);
  if (!workload.detail.empty()) (html << ": ").text(workload.detail);
  (html << "</td><td>").text(workload.started_at) << "</td><td>" << links(workload.urls) << "</td></tr>\n";
  return html;
}

}  // namespace

Page workloads_page(const AgentHome& home) {
  Page page;
  page.title = home.vm_name;
  page.scripts = {"workloads.js"};
  auto& html = page.content;
  html << header(home.person);
  if (home.integrity == "simulated") html << simulated_banner();
  (html << "<main>\n<p><a href=\"").text(home.control_plane) << "/\">Fleet</a></p>\n<h1>";
  html.text(home.vm_name) << "</h1>\n<p>";
  html.text(home.agent_id) << ", ";
  html.text(home.integrity)
      << "</p>\n<table>\n<thead><tr><th>App</th><th>Status</th><th>Started</th><th>Reached at</th></tr></thead>\n"
         "<tbody id=\"workloads\">\n";
  for (const auto& workload : home.workloads) html << row(workload);
  if (home.workloads.empty()) html << "<tr><td colspan=\"4\">Nothing has been deployed</td></tr>\n";
  html << "</tbody>\n</table>\n</main>\n";
  return page;
}

Page workload_page(const WorkloadView& view) {
  Page page;
  page.title = view.workload.app_name;
  page.scripts = {"logs.js"};
  auto& html = page.content;
  html << header(view.person);
  if (view.simulated) html << simulated_banner();
  (html << "<main data-workload=\"").text(view.workload.id) << "\">\n<p><a href=\"/\">Workloads</a></p>\n<h1>";
  html.text(view.workload.app_name) << "</h1>\n<p id=\"status\">";
  html.text(view.workload.status);
  if (!view.workload.detail.empty()) (html << ": ").text(view.workload.detail);
  html << "</p>\n" << links(view.workload.urls) << "<p><a href=\"/session/";
  html.text(net::percent_encode(view.workload.app_name)) << "\">Terminal</a></p>\n<h2>Log</h2>\n<pre id=\"log\">";
  for (const auto& line : view.lines) html.text(line) << "\n";
  html << "</pre>\n</main>\n";
  return page;
}

}  // namespace dd::web
