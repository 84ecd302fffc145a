#include "libdd/web/sign_in_page.hpp"

#include "libdd/net/url.hpp"

namespace dd::web {
namespace {

Html hidden(std::string_view name, std::string_view value) {
  Html html;
  html << "<input type=\"hidden\" name=\"";
  html.text(name) << "\" value=\"";
  html.text(value) << "\">\n";
  return html;
}

}  // namespace

Page sign_in_page(const SignInView& view) {
  Page page;
  page.title = "Sign in";
  page.status = view.status;
  auto& html = page.content;
  html << "<main>\n<h1>Sign in</h1>\n";
  if (!view.error.empty()) (html << "<p class=\"error\" role=\"alert\">").text(view.error) << "</p>\n";
  html << "<form method=\"post\" action=\"/auth/pat\">\n"
       << hidden("next", view.next)
       << "<label for=\"pat\">Personal access token of GitHub</label>\n"
          "<input id=\"pat\" name=\"pat\" type=\"password\" autocomplete=\"off\" required autofocus>\n"
          "<button>Sign in</button>\n</form>\n";
  if (view.github)
    (html << "<p><a href=\"/auth/github/start?next=").text(net::percent_encode(view.next))
        << "\">Sign in with GitHub</a></p>\n";
  html << "<p>Or open the one-time link that <code>ddctl login</code> prints.</p>\n</main>\n";
  return page;
}

Page conflict_page(std::string_view why, std::string_view target) {
  Page page;
  page.title = "Sign in again";
  page.status = 401;
  auto& html = page.content;
  (html << "<main>\n<h1>Sign in again</h1>\n<p class=\"error\" role=\"alert\">").text(why) << "</p>\n";
  (html << "<p>Both were taken from this browser, as far as that can be done from here. <a href=\"").text(target)
      << "\">Go on</a>. If this page comes back, delete the cookies of this site and of the sites beside "
         "it.</p>\n</main>\n";
  return page;
}

Page link_page(std::string_view code) {
  Page page;
  page.title = "Sign in";
  page.content << "<main>\n<h1>Sign in</h1>\n<p>This link works once.</p>\n"
               << post_button("/auth/link/use", "Sign in", "code", code) << "</main>\n";
  return page;
}

Page handoff_page(const HandoffView& view) {
  Page page;
  page.title = "Opening " + view.agent;
  page.scripts = {"handoff.js"};
  page.form_target = view.origin;
  auto& html = page.content;
  (html << "<main>\n<h1>Opening ").text(view.agent) << "</h1>\n<form id=\"handoff\" method=\"post\" action=\"";
  html.text(view.origin) << "/auth/handoff\">\n"
                         << hidden("statement", view.statement) << hidden("next", view.next)
                         << "<button>Continue</button>\n</form>\n</main>\n";
  return page;
}

Page signed_out_page(std::string_view control_plane) {
  Page page;
  page.title = "Signed out";
  (page.content << "<main>\n<h1>Signed out of this agent</h1>\n<p>You may still be signed in at <a href=\"")
          .text(control_plane)
      << "/\">the control plane</a>, which lets you in here again.</p>\n</main>\n";
  return page;
}

}  // namespace dd::web
