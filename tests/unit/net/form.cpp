#include "libdd/net/form.hpp"

#include <doctest/doctest.h>

using namespace dd;
using namespace dd::net;

namespace {

ServerRequest posted(std::string body, const std::vector<std::string>& types = {"application/x-www-form-urlencoded"}) {
  ServerRequest request;
  request.method = "POST";
  request.body = std::move(body);
  for (const auto& type : types) request.headers.add("Content-Type", type);
  return request;
}

}  // namespace

TEST_CASE("a form has its fields decoded") {
  const auto form = Form::parse(posted("pat=ghp_a%2Bb+c&next=%2Fagent%2F1%3Fx%3D1&flag&&e=")).value();
  CHECK(form.value("pat") == "ghp_a+b c");
  CHECK(form.value("next") == "/agent/1?x=1");
  CHECK(form.value("flag").empty());
  CHECK(form.value("absent").empty());
  CHECK(Form::parse(posted("")).value().value("pat").empty());
}

TEST_CASE("a form may name its charset, in any case") {
  for (const auto* type :
       {"application/x-www-form-urlencoded; charset=UTF-8", "Application/X-WWW-Form-Urlencoded ;a=b"}) {
    CAPTURE(type);
    CHECK(Form::parse(posted("a=1", {type})).value().value("a") == "1");
  }
}

TEST_CASE("what no form of ours sends is refused") {
  const struct {
    const char* name;
    ServerRequest request;
    ErrorCode code;
  } cases[] = {
      {"without a type", posted("a=1", {}), ErrorCode::unsupported},
      {"with two types", posted("a=1", {"application/x-www-form-urlencoded", "text/plain"}), ErrorCode::unsupported},
      {"plain text, which any page may post anywhere", posted("a=1", {"text/plain"}), ErrorCode::unsupported},
      {"JSON", posted("{}", {"application/json"}), ErrorCode::unsupported},
      {"a longer type", posted("a=1", {"application/x-www-form-urlencodedx"}), ErrorCode::unsupported},
      {"a broken escape", posted("a=%"), ErrorCode::malformed},
      {"a broken escape in a name", posted("%zz=1"), ErrorCode::malformed},
      {"a field twice", posted("a=1&b=2&a=1"), ErrorCode::malformed},
      {"a field twice, once escaped", posted("a=1&%61=2"), ErrorCode::malformed},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    const auto form = Form::parse(c.request);
    REQUIRE_FALSE(form.has_value());
    CHECK(form.error().code == c.code);
  }
}

TEST_CASE("a form that is written is read back") {
  const std::vector<std::pair<std::string, std::string>> fields = {
      {"next", "/a b?c=d&e=%"}, {"a&b", "=+"}, {"empty", ""}, {"text", "\xc3\xa9\r\n"}};
  const auto form = Form::parse(posted(form_text(fields))).value();
  for (const auto& [name, value] : fields) CHECK(form.value(name) == value);
  CHECK(form_text({}).empty());
}
