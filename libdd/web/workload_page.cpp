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

/// static/workloads.js makes the same rows of the list as JSON.
Html workload_row(const WorkloadRow& workload, const WorkloadPlaces& places) {
  Html html;
  html << "<tr><td><a href=\"";
  html.text(places.pages + net::percent_encode(places.by_name ? workload.app_name : workload.id)) << "\">";
  html.text(workload.app_name) << "</a></td><td>";
  html.text(workload.status);
  if (!workload.detail.empty()) (html << ": ").text(workload.detail);
  (html << "</td><td>").text(workload.started_at) << "</td><td>" << links(workload.urls) << "</td></tr>\n";
  return html;
}

}  // namespace

WorkloadRow row_of(const DeploymentInfo& info) {
  WorkloadRow row;
  row.id = info.id;
  row.app_name = info.app_name;
  row.status = dd::to_string(info.status);
  row.started_at = info.started_at;
  if (!info.error_message.empty())
    row.detail = info.error_message;
  else if (info.signal)
    row.detail = "signal " + std::to_string(*info.signal);
  else if (info.exit_code)
    row.detail = "exit code " + std::to_string(*info.exit_code);
  return row;
}

Page workloads_page(const AgentHome& home) {
  Page page;
  page.title = home.vm_name;
  page.scripts = {"workloads.js"};
  auto& html = page.content;
  html << header(home.person);
  if (home.integrity == "simulated") html << simulated_banner();
  (html << "<main data-list=\"").text(home.places.list) << "\" data-pages=\"";
  html.text(home.places.pages) << "\" data-key=\"";
  html.text(home.places.by_name ? "app_name" : "id") << "\">\n<p><a href=\"";
  html.text(home.control_plane) << "/\">Fleet</a></p>\n<h1>";
  html.text(home.vm_name) << "</h1>\n<p>";
  html.text(home.agent_id) << ", ";
  html.text(home.integrity) << "</p>\n";
  if (!home.terminal.empty()) (html << "<p><a href=\"").text(home.terminal) << "\">Terminal</a></p>\n";
  html << "<table>\n<thead><tr><th>App</th><th>Status</th><th>Started</th><th>Reached at</th></tr></thead>\n"
          "<tbody id=\"workloads\">\n";
  for (const auto& workload : home.workloads) html << workload_row(workload, home.places);
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
  (html << "<main data-log=\"").text(view.log) << "\">\n<p><a href=\"";
  html.text(view.home) << "\">Workloads</a></p>\n<h1>";
  html.text(view.workload.app_name) << "</h1>\n<p id=\"status\">";
  html.text(view.workload.status);
  if (!view.workload.detail.empty()) (html << ": ").text(view.workload.detail);
  html << "</p>\n" << links(view.workload.urls);
  if (!view.terminal.empty()) (html << "<p><a href=\"").text(view.terminal) << "\">Terminal</a></p>\n";
  html << "<h2>Log</h2>\n<pre id=\"log\">";
  for (const auto& line : view.lines) html.text(line) << "\n";
  html << "</pre>\n</main>\n";
  return page;
}

}  // namespace dd::web
