#include "libdd/web/page.hpp"

namespace dd::web {
namespace {

std::string policy_of(const Page& page) {
  // 'self' in connect-src covers WebSockets of the same host.
  const auto nonce = page.style_nonce.empty() ? "" : " 'nonce-" + page.style_nonce + "'";
  std::string policy = "default-src 'none'; script-src 'self'; style-src 'self'" + nonce +
                       "; img-src 'self'; connect-src 'self'; base-uri 'none'; "
                       "frame-ancestors 'none'; form-action 'self'";
  if (!page.form_target.empty()) policy += " " + page.form_target;
  return policy;
}

}  // namespace

net::ServerResponse answer(const Page& page) {
  Html html;
  html << "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>";
  html.text(page.title) << "</title>\n<link rel=\"stylesheet\" href=\"/static/style.css\">\n";
  for (const auto& style : page.styles) (html << "<link rel=\"stylesheet\" href=\"/static/").text(style) << "\">\n";
  for (const auto& script : page.scripts)
    (html << "<script type=\"module\" src=\"/static/").text(script) << "\"></script>\n";
  html << "</head>\n<body>\n" << page.content << "</body>\n</html>\n";

  net::ServerResponse response;
  response.status = page.status;
  response.content_type = "text/html; charset=utf-8";
  response.headers.set("Content-Security-Policy", policy_of(page));
  response.headers.set("Referrer-Policy", "strict-origin");
  response.headers.set("X-Frame-Options", "DENY");
  response.headers.set("Cross-Origin-Opener-Policy", "same-origin");
  response.body = html.str();
  return response;
}

Page message_page(int status, std::string_view title, std::string_view message) {
  Page page;
  page.status = status;
  page.title = title;
  page.content << "<main>\n<h1>";
  page.content.text(title) << "</h1>\n<p role=\"alert\">";
  page.content.text(message) << "</p>\n<p><a href=\"/\">Start page</a></p>\n</main>\n";
  return page;
}

void add_cookies(net::ServerResponse& response, std::vector<std::string> values) {
  for (auto& value : values) response.headers.add("Set-Cookie", std::move(value));
}

net::ServerResponse redirect(std::string location) {
  net::ServerResponse response;
  response.status = 303;
  response.content_type.clear();
  response.headers.set("Location", std::move(location));
  response.headers.set("Referrer-Policy", "strict-origin");
  return response;
}

Html post_button(std::string_view action, std::string_view label, std::string_view name, std::string_view value) {
  Html html;
  html << "<form method=\"post\" action=\"";
  html.text(action) << "\">";
  if (!name.empty()) {
    html << "<input type=\"hidden\" name=\"";
    html.text(name) << "\" value=\"";
    html.text(value) << "\">";
  }
  html << "<button>";
  html.text(label) << "</button></form>\n";
  return html;
}

}  // namespace dd::web
