// A page of ours as an answer: the frame around its content, and the headers that keep a page to itself.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "libdd/net/http_server.hpp"
#include "libdd/web/html.hpp"

namespace dd::web {

struct Page {
  std::string title;
  Html content;
  int status = 200;
  /// Names of files in libdd/web/static/ that the page loads as scripts.
  std::vector<std::string> scripts = {};
  /// The same for style sheets, besides our own.
  std::vector<std::string> styles = {};
  /// An origin besides our own that a form of the page may post to, or empty.
  std::string form_target = {};
  /// Style elements with this nonce are allowed, or none when it is empty.
  std::string style_nonce = {};
};

/// With a Content-Security-Policy that allows our own files and nothing inline, no frames around it, and no more of our URLs for other origins than the
/// origin itself (browsers need that much to say where a form comes from).
[[nodiscard]] net::ServerResponse answer(const Page& page);

/// A page that says what went wrong and where to go on. `message` may hold foreign text.
[[nodiscard]] Page message_page(int status, std::string_view title, std::string_view message);

/// 303 See Other. `location` is a path of ours or a URL that we made.
[[nodiscard]] net::ServerResponse redirect(std::string location);

/// `values` of Set-Cookie headers.
void add_cookies(net::ServerResponse& response, std::vector<std::string> values);

/// A button that posts to `action`, a path of ours, with one hidden field (or none when `name` is empty).
[[nodiscard]] Html post_button(std::string_view action, std::string_view label, std::string_view name = {},
                               std::string_view value = {});

}  // namespace dd::web
