// A workload's terminal in a browser: xterm.js over the WebSocket of docs/wire.md, 6.1.
#pragma once

#include <string>

#include "libdd/web/page.hpp"

namespace dd::web {

struct TerminalView {
  std::string person;
  bool simulated = false;
  std::string app_name;
  std::string style_nonce;  // base64url, new for each answer
};
/// In a build without xterm.js (docs/building.md) a page that says so.
[[nodiscard]] Page terminal_page(const TerminalView& view);

}  // namespace dd::web
