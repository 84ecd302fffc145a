#include "libdd/web/terminal_page.hpp"

#include <algorithm>
#include <array>

#include "dd/bytes.hpp"
#include "libdd/web/header.hpp"
#include "libdd/web/static_files.hpp"

namespace dd::web {

Page terminal_page(const TerminalView& view, Random& random) {
  const auto files = static_files();
  if (std::ranges::find(files, "xterm.js", &StaticFile::name) == files.end())
    return message_page(501, "No terminal here",
                        "This program was built without xterm.js." +
                            (view.instead.empty() ? std::string() : " `" + view.instead + "` opens a terminal."));
  Page page;
  page.title = "Terminal: " + view.title;
  page.scripts = {"terminal.js"};
  page.styles = {"xterm.css"};
  std::array<std::byte, 16> nonce{};
  random.fill(nonce);
  page.style_nonce = to_base64url(nonce);
  auto& html = page.content;
  html << header(view.person);
  if (view.simulated) html << simulated_banner();
  (html << "<main data-ticket=\"").text(view.ticket_path) << "\" data-socket=\"";
  html.text(view.socket_path) << "\" data-style-nonce=\"";
  html.text(page.style_nonce) << "\">\n<p><a href=\"";
  html.text(view.home) << "\">Workloads</a></p>\n<h1>";
  html.text(view.title)
      << "</h1>\n<p id=\"status\" role=\"status\"></p>\n<button id=\"again\" hidden>Connect again</button>\n"
         "<div id=\"terminal\"></div>\n</main>\n";
  return page;
}

}  // namespace dd::web
