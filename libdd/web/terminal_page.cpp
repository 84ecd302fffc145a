#include "libdd/web/terminal_page.hpp"

#include <algorithm>

#include "libdd/web/header.hpp"
#include "libdd/web/static_files.hpp"

namespace dd::web {

Page terminal_page(const TerminalView& view) {
  const auto files = static_files();
  if (std::ranges::find(files, "xterm.js", &StaticFile::name) == files.end())
    return message_page(
        501, "No terminal here",
        "This program was built without xterm.js. `ddctl shell " + view.app_name + "` opens a terminal.");
  Page page;
  page.title = "Terminal: " + view.app_name;
  page.scripts = {"terminal.js"};
  page.styles = {"xterm.css"};
  page.style_nonce = view.style_nonce;
  auto& html = page.content;
  html << header(view.person);
  if (view.simulated) html << simulated_banner();
  (html << "<main data-app=\"").text(view.app_name) << "\" data-style-nonce=\"";
  html.text(view.style_nonce) << "\">\n<p><a href=\"/\">Workloads</a></p>\n<h1>";
  html.text(view.app_name)
      << "</h1>\n<p id=\"status\" role=\"status\"></p>\n<button id=\"again\" hidden>Connect again</button>\n"
         "<div id=\"terminal\"></div>\n</main>\n";
  return page;
}

}  // namespace dd::web
