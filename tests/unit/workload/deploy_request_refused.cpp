#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "dd/workload.hpp"

using namespace dd;

namespace {

// A good request with other members in place of, or beside, its own.
std::string with(const std::string& members) { return R"({"app_name":"a","cmd":["x"],)" + members + "}"; }
std::string with_name(const std::string& value) { return R"({"cmd":["x"],"app_name":)" + value + "}"; }
std::string with_cmd(const std::string& value) { return R"({"app_name":"a","cmd":)" + value + "}"; }
std::string with_expose(const std::string& members) { return with(R"("expose":{)" + members + "}"); }

std::string list_of(std::size_t count, const std::string& item) {
  std::string out = "[";
  for (std::size_t i = 0; i < count; ++i) out += (i == 0 ? "" : ",") + item;
  return out + "]";
}

std::string labels(int count) {
  std::string out;
  for (int i = 0; i < count; ++i)
    out += (i == 0 ? R"({"hostname_label":"l)" : R"(,{"hostname_label":"l)") + std::to_string(i) + R"(","port":80})";
  return "[" + out + "]";
}

struct Refusal {
  std::string name;
  std::string text;
  const char* path;
  ErrorCode code = ErrorCode::malformed;
};

constexpr auto kBadValue = ErrorCode::invalid_argument;

const std::vector<Refusal>& refusals() {
  static const std::vector<Refusal> rows = {
      // the text as a whole
      {"empty", "", "$"},
      {"not JSON", "app_name: hello", "$"},
      {"cut off", R"({"app_name":"a","cmd":["x"])", "$"},
      {"bytes behind the value", with_cmd(R"(["x"])") + "{}", "$"},
      {"a list", "[]", "$"},
      {"a text", R"("deploy")", "$"},
      {"null", "null", "$"},
      {"not UTF-8", with_name("\"\xff\""), "$"},
      {"the same member twice", with(R"("app_name":"b")"), "$"},
      {"the same member twice, once escaped", with(R"("\u0063md":["y"])"), "$"},
      {"the same member twice, far inside", with(R"("oracle":{"x":[{"a":1,"a":2}]})"), "$"},
      {"nested too deep", with(R"("oracle":)" + std::string(40, '[') + std::string(40, ']')), "$"},
      {"larger than 256 KiB", with(R"("oracle":")" + std::string(256 * 1024, 'x') + "\""), "$", ErrorCode::too_large},
      // app_name
      {"no name", R"({"cmd":["x"]})", "$.app_name"},
      {"null as name", with_name("null"), "$.app_name"},
      {"number as name", with_name("7"), "$.app_name"},
      {"empty name", with_name(R"("")"), "$.app_name", kBadValue},
      {"upper case in name", with_name(R"("Hello")"), "$.app_name", kBadValue},
      {"path as name", with_name(R"("../../etc/cron.d/x")"), "$.app_name", kBadValue},
      {"name starts with a dot", with_name(R"(".a")"), "$.app_name", kBadValue},
      {"line end in name", with_name(R"("a\n")"), "$.app_name", kBadValue},
      {"name of 64", with_name("\"" + std::string(64, 'a') + "\""), "$.app_name", kBadValue},
      // cmd
      {"no cmd", R"({"app_name":"a"})", "$.cmd"},
      {"text as cmd", with_cmd(R"("hello 18080")"), "$.cmd"},
      {"object as cmd", with_cmd("{}"), "$.cmd"},
      {"empty cmd", with_cmd("[]"), "$.cmd", kBadValue},
      {"257 arguments", with_cmd(list_of(257, R"("x")")), "$.cmd", kBadValue},
      {"empty program", with_cmd(R"(["","x"])"), "$.cmd[0]", kBadValue},
      {"number as argument", with_cmd(R"(["x",18080])"), "$.cmd[1]"},
      {"null as argument", with_cmd(R"(["x",null])"), "$.cmd[1]"},
      {"NUL in an argument", with_cmd(R"(["x","a\u0000b"])"), "$.cmd[1]", kBadValue},
      {"argument longer than Linux takes", with_cmd(R"(["x",")" + std::string(128 * 1024, 'y') + "\"]"), "$.cmd[1]",
       kBadValue},
      // env
      {"object as env", with(R"("env":{"A":"1"})"), "$.env"},
      {"text as env", with(R"("env":"A=1")"), "$.env"},
      {"257 variables", with(R"("env":)" + list_of(257, R"("A=1")")), "$.env", kBadValue},
      {"object as variable", with(R"("env":[{"A":"1"}])"), "$.env[0]"},
      {"variable without =", with(R"("env":["A=1","B"])"), "$.env[1]", kBadValue},
      {"variable without name", with(R"("env":["=1"])"), "$.env[0]", kBadValue},
      {"digit first in a variable", with(R"("env":["1A=1"])"), "$.env[0]", kBadValue},
      {"hyphen in a variable", with(R"("env":["A-B=1"])"), "$.env[0]", kBadValue},
      {"blank in a variable", with(R"("env":["A =1"])"), "$.env[0]", kBadValue},
      {"NUL in a value", with(R"("env":["A=\u0000"])"), "$.env[0]", kBadValue},
      {"the same variable twice", with(R"("env":["A=1","B=2","A=3"])"), "$.env[2]", kBadValue},
      // privileged, tty
      {"text as privileged", with(R"("privileged":"true")"), "$.privileged"},
      {"number as privileged", with(R"("privileged":1)"), "$.privileged"},
      {"number as ready_timeout", with(R"("ready_timeout":60)"), "$.ready_timeout"},
      {"no time as ready_timeout", with(R"("ready_timeout":"0s")"), "$.ready_timeout", kBadValue},
      {"long ready_timeout", with(R"("ready_timeout":"601s")"), "$.ready_timeout", kBadValue},
      {"unknown on_failure", with(R"("on_failure":"panic")"), "$.on_failure", kBadValue},
      {"text as overlap", with(R"("overlap":"yes")"), "$.overlap"},
      {"a privileged one beside another", with(R"("overlap":true,"privileged":true)"), "$.overlap", kBadValue},
      {"text as tty", with(R"("tty":"no")"), "$.tty"},
      // expose
      {"text as expose", with(R"("expose":"web:80")"), "$.expose"},
      {"number as expose", with(R"("expose":80)"), "$.expose"},
      {"false as expose", with(R"("expose":false)"), "$.expose"},
      {"17 exposed ports", with(R"("expose":)" + labels(17)), "$.expose", kBadValue},
      {"text in the list", with(R"("expose":["web"])"), "$.expose[0]"},
      {"list in the list", with(R"("expose":[[]])"), "$.expose[0]"},
      {"no label", with_expose(R"("port":80)"), "$.expose.hostname_label"},
      {"number as label", with_expose(R"("hostname_label":1,"port":80)"), "$.expose.hostname_label"},
      {"dot in a label", with_expose(R"("hostname_label":"a.b","port":80)"), "$.expose.hostname_label", kBadValue},
      {"label of 33", with_expose(R"("hostname_label":")" + std::string(33, 'a') + R"(","port":80)"),
       "$.expose.hostname_label", kBadValue},
      {"text as port", with_expose(R"("hostname_label":"web","port":"80")"), "$.expose.port"},
      {"fraction as port", with_expose(R"("hostname_label":"web","port":80.5)"), "$.expose.port"},
      {"port 0", with_expose(R"("hostname_label":"web","port":0)"), "$.expose.port", kBadValue},
      {"port 65536", with_expose(R"("hostname_label":"web","port":65536)"), "$.expose.port", kBadValue},
      {"negative port", with_expose(R"("hostname_label":"web","port":-80)"), "$.expose.port", kBadValue},
      {"port beyond 64 bits", with_expose(R"("hostname_label":"web","port":18446744073709551615)"), "$.expose.port",
       kBadValue},
      {"number as protocol", with_expose(R"("hostname_label":"web","port":80,"protocol":6)"), "$.expose.protocol"},
      {"unix as protocol", with_expose(R"("hostname_label":"web","port":80,"protocol":"unix")"), "$.expose.protocol",
       kBadValue},
      {"upper case protocol", with_expose(R"("hostname_label":"web","port":80,"protocol":"HTTP")"), "$.expose.protocol",
       kBadValue},
      {"second entry wrong", with(R"("expose":[{"hostname_label":"web","port":80},{"hostname_label":"b","port":0}])"),
       "$.expose[1].port", kBadValue},
      {"the same label twice",
       with(R"("expose":[{"hostname_label":"web","port":80},{"hostname_label":"web","port":81}])"),
       "$.expose[1].hostname_label", kBadValue},
  };
  return rows;
}

}  // namespace

TEST_CASE("a malformed deploy request is refused with the path of the field at fault") {
  REQUIRE(refusals().size() >= 45);
  for (const auto& c : refusals()) {
    CAPTURE(c.name);
    const auto request = parse_deploy_request(c.text);
    REQUIRE_FALSE(request.has_value());
    CHECK(request.error().path == c.path);
    CHECK(to_string(request.error().code) == to_string(c.code));
    CHECK(request.error().message.starts_with("cannot "));
  }
}

TEST_CASE("a refusal says what was expected") {
  const struct {
    std::string text;
    const char* message;
  } cases[] = {
      {with_name("7"), "cannot read $.app_name: want 1..63 of a-z, 0-9, '.', '_' and '-', a letter or digit first"},
      {with_expose(R"("hostname_label":"web","port":0)"), "cannot read $.expose.port: want an integer in 1..65535"},
      {with(R"("env":["A=1","A=2"])"), "cannot read $.env[1]: variable A occurs twice"},
  };
  for (const auto& c : cases) {
    const auto request = parse_deploy_request(c.text);
    REQUIRE_FALSE(request.has_value());
    CHECK(request.error().message == c.message);
  }
}

TEST_CASE("a refusal does not repeat the values of variables") {
  const auto request = parse_deploy_request(with(R"("env":["TOKEN=s3cret","TOKEN=s3cret2"])"));
  REQUIRE_FALSE(request.has_value());
  CHECK(request.error().message.find("s3cret") == std::string::npos);
}
