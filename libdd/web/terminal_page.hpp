// A terminal in a browser: xterm.js over the WebSocket of docs/wire.md, 6.1.
#pragma once

#include <string>

#include "dd/random.hpp"
#include "libdd/web/page.hpp"

namespace dd::web {

struct TerminalView {
  std::string person;
  bool simulated = false;
  std::string title;        // whose it is
  std::string ticket_path;  // of the two routes that open it
  std::string socket_path;
  std::string home = "/";   // path of the page of workloads
  std::string instead;      // the command that opens it without a browser, or empty
};
/// In a build without xterm.js (docs/building.md) a page that says so.
[[nodiscard]] Page terminal_page(const TerminalView& view, Random& random);

}  // namespace dd::web
