#include "libdd/fetch/release_answer.hpp"

#include <doctest/doctest.h>

using namespace dd;
using namespace dd::fetch;

namespace {

const std::string kDigest = "sha256:" + std::string(64, 'a');

std::string release(const std::string& assets) { return R"({"tag_name":"v1","id":5,"assets":[)" + assets + "]}"; }
std::string asset(const std::string& more) {
  return R"({"id":7,"name":"tool","size":3,"browser_download_url":"https://g/t")" + more + "}";
}

}  // namespace

TEST_CASE("an asset is found by its exact name") {
  const auto found =
      find_asset(release(R"({"name":"tool.sha256","id":1},)" + asset(R"(,"digest":")" + kDigest + "\"")), "a/b", "tool")
          .value();
  CHECK(found.tag == "v1");
  CHECK(found.id == 7);
  CHECK(found.size == 3);
  CHECK(found.digest == kDigest);
  CHECK(found.download_url == "https://g/t");
}

TEST_CASE("an older asset announces no digest") {
  CHECK(find_asset(release(asset("")), "a/b", "tool").value().digest.empty());
  CHECK(find_asset(release(asset(R"(,"digest":null)")), "a/b", "tool").value().digest.empty());
}

TEST_CASE("an asset that is not there is answered with the names of those that are") {
  const auto missing = find_asset(release(R"({"name":"one"},{"name":"two"},{"name":5},"six")"), "a/b", "tool");
  REQUIRE_FALSE(missing.has_value());
  CHECK(missing.error().code == ErrorCode::not_found);
  CHECK(missing.error().message.find("one, two") != std::string::npos);
  const auto none = find_asset(release(""), "a/b", "tool");
  REQUIRE_FALSE(none.has_value());
  CHECK(none.error().message == "cannot fetch tool of a/b@v1: the release has no assets");
  std::string many;
  for (int i = 0; i < 100; ++i) many += (i > 0 ? "," : "") + (R"({"name":"asset-)" + std::to_string(i) + "\"}");
  CHECK(find_asset(release(many), "a/b", "tool").error().message.size() < 400);
}

TEST_CASE("an answer that is no release is the upstream's fault") {
  const struct {
    const char* name;
    std::string body;
    ErrorCode code;
  } cases[] = {
      {"no JSON", "<html>", ErrorCode::upstream},
      {"a list", "[]", ErrorCode::upstream},
      {"no tag", R"({"assets":[]})", ErrorCode::upstream},
      {"no assets", R"({"tag_name":"v1"})", ErrorCode::upstream},
      {"assets that are none", R"({"tag_name":"v1","assets":{}})", ErrorCode::upstream},
      {"asset without an id", release(R"({"name":"tool","size":3,"browser_download_url":"https://g/t"})"),
       ErrorCode::upstream},
      {"negative size", release(R"({"id":7,"name":"tool","size":-1,"browser_download_url":"https://g/t"})"),
       ErrorCode::upstream},
      {"another kind of digest", release(asset(R"(,"digest":"md5:00")")), ErrorCode::upstream},
      {"a digest in capitals", release(asset(R"(,"digest":"sha256:)" + std::string(64, 'A') + "\"")),
       ErrorCode::upstream},
      {"an upload under way", release(asset(R"(,"state":"starter")")), ErrorCode::unavailable},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    const auto found = find_asset(c.body, "a/b", "tool");
    REQUIRE_FALSE(found.has_value());
    CHECK(to_string(found.error().code) == to_string(c.code));
    CHECK(found.error().message.starts_with("cannot "));
  }
}
