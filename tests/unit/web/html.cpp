#include "libdd/web/html.hpp"

#include <doctest/doctest.h>

using namespace dd::web;

TEST_CASE("what a name says is never markup") {
  CHECK(escape("<script>alert(1)</script>") == "&lt;script&gt;alert(1)&lt;/script&gt;");
  CHECK(escape(R"(" onload="x)") == "&quot; onload=&quot;x");
  CHECK(escape("' onload='x") == "&#39; onload=&#39;x");
  CHECK(escape("a&lt;b") == "a&amp;lt;b");
  CHECK(escape("h\xc3\xa9llo\n1 = 2") == "h\xc3\xa9llo\n1 = 2");
  CHECK(escape("").empty());
}

TEST_CASE("a page is made of markup, pages and text, and only text is escaped") {
  Html inner;
  (inner << "<b>").text("<i>") << "</b>";
  Html outer;
  outer << "<p>" << inner << "</p>";
  CHECK(outer.str() == "<p><b>&lt;i&gt;</b></p>");
}
