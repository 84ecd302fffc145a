#include "libdd/local/release_server.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "libdd/core/json.hpp"
#include "libdd/crypto/digest.hpp"
#include "libdd/net/http_client.hpp"
#include "tests/unit/local/releases.hpp"

using namespace dd;

namespace {

struct ReleaseServerFixture {
  test::Releases releases{{{"acme/hidden", Secret("ghp_reader")}}};
  std::shared_ptr<HttpTransport> transport = net::make_http_transport({});

  HttpResponse get(const std::string& url, const char* token = "", int redirects = 0) {
    HttpRequest request;
    request.url = url.starts_with("/") ? releases.api_url() + url : url;
    if (*token != '\0') request.headers.set("Authorization", std::string("Bearer ") + token);
    request.headers.set("Accept", "application/octet-stream");
    request.max_redirects = redirects;
    return net::send_blocking(*transport, std::move(request)).value();
  }
  Json release(const std::string& path, const char* token = "") { return parse_json(get(path, token).body).value(); }
};

}  // namespace

TEST_CASE("a folder is answered as a release, with the digest of each asset") {
  ReleaseServerFixture f;
  f.releases.add("acme/tool", "v1", "tool", "content");
  const auto release = f.release("/repos/acme/tool/releases/tags/v1");
  CHECK(release.at("tag_name") == "v1");
  const auto& asset = release.at("assets").at(0);
  CHECK(asset.at("name") == "tool");
  CHECK(asset.at("size") == 7);
  CHECK(asset.at("digest") == "sha256:" + to_hex(crypto::sha256(as_bytes("content"))));
  CHECK(f.get(asset.at("browser_download_url").get<std::string>(), "", 1).body == "content");
  CHECK(f.get("/repos/acme/tool/releases/assets/" + asset.at("id").dump(), "", 1).body == "content");
}

TEST_CASE("the latest release is the one that was made last") {
  ReleaseServerFixture f;
  f.releases.add("acme/tool", "v1", "tool", "old");
  f.releases.add("acme/tool", "v2", "tool", "new");
  CHECK(f.release("/repos/acme/tool/releases/latest").at("tag_name") == "v2");
}

TEST_CASE("what is announced in place of the digest is announced") {
  ReleaseServerFixture f;
  f.releases.add("acme/tool", "v1", "old", "content");
  f.releases.add("acme/tool", "v1", ".old.digest", "");
  f.releases.add("acme/tool", "v1", "wrong", "content");
  f.releases.add("acme/tool", "v1", ".wrong.digest", "sha256:00\n");
  const auto assets = f.release("/repos/acme/tool/releases/latest").at("assets");
  REQUIRE(assets.size() == 2);
  CHECK(assets[0].at("digest").is_null());
  CHECK(assets[1].at("digest") == "sha256:00");
}

TEST_CASE("a download leads to another origin, works once, and never with credentials") {
  ReleaseServerFixture f;
  f.releases.add("acme/tool", "v1", "tool", "content");
  const auto redirect = f.get("/acme/tool/releases/download/v1/tool");
  CHECK(redirect.status == 302);
  const auto url = *redirect.headers.find("Location");
  CHECK_FALSE(url.starts_with(f.releases.api_url()));
  CHECK(f.get(url, "ghp_reader").status == 400);
  CHECK(f.get(url).body == "content");
  CHECK(f.get(url).status == 404);
}

TEST_CASE("a private repository is there for its token and through the API alone") {
  ReleaseServerFixture f;
  f.releases.add("acme/hidden", "v1", "tool", "content");
  const auto path = "/repos/acme/hidden/releases/tags/v1";
  CHECK(f.get(path).status == 404);
  CHECK(f.get(path, "ghp_other").status == 404);
  const auto asset = f.release(path, "ghp_reader").at("assets").at(0);
  const auto by_id = "/repos/acme/hidden/releases/assets/" + asset.at("id").dump();
  CHECK(f.get(by_id).status == 404);
  CHECK(f.get(by_id, "ghp_reader", 1).body == "content");
  CHECK(f.get(asset.at("browser_download_url").get<std::string>(), "ghp_reader").status == 404);
}

TEST_CASE("names are compared and lead nowhere else") {
  ReleaseServerFixture f;
  f.releases.add("acme/tool", "v1", "tool", "content");
  for (const auto* path :
       {"/repos/acme/other/releases/latest", "/repos/acme/tool/releases/tags/v2", "/repos/acme/%2e%2e/releases/latest",
        "/repos/acme/tool/releases/tags/.", "/repos/acme/tool/releases/assets/1", "/repos/acme/tool/releases/assets/x",
        "/acme/tool/releases/download/v1/%2e%2e", "/acme/tool/releases/download/v1/other"}) {
    CAPTURE(path);
    CHECK(f.get(path).status >= 400);
  }
}
