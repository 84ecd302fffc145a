// What stands on top of the pages of somebody who is signed in.
#pragma once

#include <string_view>

#include "libdd/web/page.hpp"

namespace dd::web {

/// Who is signed in, the way out, and where scripts say that what is shown is old.
[[nodiscard]] inline Html header(std::string_view person) {
  Html html;
  (html << "<header><span>Signed in as <b>").text(person) << "</b></span>" << post_button("/auth/logout", "Sign out")
                                                          << "<span id=\"stale\" role=\"status\"></span></header>\n";
  return html;
}

/// On an agent's pages, when what it says of itself proves nothing.
[[nodiscard]] inline Html simulated_banner() {
  Html html;
  html << "<p class=\"banner red\">SIMULATED: no hardware vouches for this VM. Nothing here is protected.</p>\n";
  return html;
}

}  // namespace dd::web
