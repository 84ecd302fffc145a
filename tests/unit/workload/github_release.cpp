#include <doctest/doctest.h>

#include <string>

#include <nlohmann/json.hpp>

#include "dd/workload.hpp"

using namespace dd;

namespace {

const std::string kDigest(64, 'a');

std::string with_release(const std::string& release) {
  return R"({"app_name":"a","cmd":["x"],"github_release":)" + release + "}";
}
std::string with_members(const std::string& members) {
  return with_release(R"({"repo":"acme/tool","asset":"tool.tar.gz",)" + members + "}");
}

}  // namespace

TEST_CASE("each member of a release is read") {
  const auto request =
      parse_deploy_request(
          with_members(R"("tag":"v1/rc+2","rename":"tool-1/bin/tool","sha256":"sha256:)" + kDigest + "\""))
          .value();
  REQUIRE(request.github_release.has_value());
  CHECK(*request.github_release == GithubRelease{"acme/tool", "tool.tar.gz", "v1/rc+2", "tool-1/bin/tool", kDigest});
  CHECK(deploy_request_from(to_json_value(request)).value() == request);
}

TEST_CASE("a release without a command is fetched for others") {
  const auto request =
      parse_deploy_request(R"({"app_name":"a","github_release":{"repo":"acme/.github","asset":"t_1.0~rc+x"}})").value();
  CHECK(request.cmd.empty());
  CHECK(request.github_release->tag.empty());
  CHECK(to_json_value(request) ==
        nlohmann::json{{"app_name", "a"}, {"github_release", {{"repo", "acme/.github"}, {"asset", "t_1.0~rc+x"}}}});
}

TEST_CASE("members of a release that nobody understands are named") {
  const auto request = parse_deploy_request(with_members(R"("color":"red")")).value();
  CHECK(request.unknown == std::vector<std::string>{"github_release.color"});
}

TEST_CASE("a malformed release is refused with the path of the member at fault") {
  const struct {
    const char* name;
    std::string text;
    const char* path;
    ErrorCode code;
  } cases[] = {
      {"a text", with_release(R"("acme/tool")"), "$.github_release", ErrorCode::malformed},
      {"a list", with_release("[]"), "$.github_release", ErrorCode::malformed},
      {"no repository", with_release(R"({"asset":"a"})"), "$.github_release.repo", ErrorCode::malformed},
      {"no asset", with_release(R"({"repo":"a/b"})"), "$.github_release.asset", ErrorCode::malformed},
      {"no owner", with_release(R"({"repo":"tool","asset":"a"})"), "$.github_release.repo",
       ErrorCode::invalid_argument},
      {"three parts", with_release(R"({"repo":"a/b/c","asset":"a"})"), "$.github_release.repo",
       ErrorCode::invalid_argument},
      {"way up", with_release(R"({"repo":"../b","asset":"a"})"), "$.github_release.repo", ErrorCode::invalid_argument},
      {"query", with_release(R"({"repo":"a/b?x","asset":"a"})"), "$.github_release.repo", ErrorCode::invalid_argument},
      {"asset with a path", with_release(R"({"repo":"a/b","asset":"x/y"})"), "$.github_release.asset",
       ErrorCode::invalid_argument},
      {"asset way up", with_release(R"({"repo":"a/b","asset":".."})"), "$.github_release.asset",
       ErrorCode::invalid_argument},
      {"asset like a flag", with_release(R"({"repo":"a/b","asset":"-rf"})"), "$.github_release.asset",
       ErrorCode::invalid_argument},
      {"empty tag", with_members(R"("tag":"")"), "$.github_release.tag", ErrorCode::invalid_argument},
      {"blank in a tag", with_members(R"("tag":"v 1")"), "$.github_release.tag", ErrorCode::invalid_argument},
      {"tag way up", with_members(R"("tag":"a/../b")"), "$.github_release.tag", ErrorCode::invalid_argument},
      {"line end in a tag", with_members(R"("tag":"v1\r\nX: y")"), "$.github_release.tag", ErrorCode::invalid_argument},
      {"absolute rename", with_members(R"("rename":"/bin/sh")"), "$.github_release.rename",
       ErrorCode::invalid_argument},
      {"rename way up", with_members(R"("rename":"a/../../b")"), "$.github_release.rename",
       ErrorCode::invalid_argument},
      {"rename ends in a slash", with_members(R"("rename":"a/")"), "$.github_release.rename",
       ErrorCode::invalid_argument},
      {"path for a plain file", with_release(R"({"repo":"a/b","asset":"x","rename":"y/z"})"), "$.github_release.rename",
       ErrorCode::invalid_argument},
      {"short digest", with_members(R"("sha256":"abc")"), "$.github_release.sha256", ErrorCode::invalid_argument},
      {"upper case digest", with_members(R"("sha256":")" + std::string(64, 'A') + "\""), "$.github_release.sha256",
       ErrorCode::invalid_argument},
      {"number as digest", with_members(R"("sha256":1)"), "$.github_release.sha256", ErrorCode::malformed},
      {"neither command nor release", R"({"app_name":"a","github_release":null})", "$.cmd", ErrorCode::malformed},
      {"empty command beside a release", R"({"app_name":"a","cmd":[],"github_release":{"repo":"a/b","asset":"c"}})",
       "$.cmd", ErrorCode::invalid_argument},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    const auto request = parse_deploy_request(c.text);
    REQUIRE_FALSE(request.has_value());
    CHECK(request.error().path == c.path);
    CHECK(to_string(request.error().code) == to_string(c.code));
    CHECK(request.error().message.starts_with("cannot "));
  }
}

TEST_CASE("the program of a release has the name that the earlier runtime gave it") {
  const struct {
    GithubRelease release;
    const char* program;
    bool archive;
  } cases[] = {
      {{"a/b", "tool-linux-amd64", "", "", ""}, "tool-linux-amd64", false},
      {{"a/b", "tool-linux-amd64", "", "tool", ""}, "tool", false},
      {{"a/b", "podman-linux-amd64.tar.gz", "", "", ""}, "podman-linux-amd64", true},
      {{"a/b", "tool.tgz", "", "", ""}, "tool", true},
      {{"a/b", "tool.tgz", "", "tool-1/bin/tool", ""}, "tool-1/bin/tool", true},
  };
  for (const auto& c : cases) {
    CAPTURE(c.release.asset);
    CHECK(program_of(c.release) == c.program);
    CHECK(is_archive(c.release.asset) == c.archive);
  }
  CHECK(source_text({"a/b", "x", "", "", ""}) == "a/b@latest");
  CHECK(source_text({"a/b", "x", "v1", "", ""}) == "a/b@v1");
}
