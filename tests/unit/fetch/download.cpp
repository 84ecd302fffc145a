#include "libdd/fetch/download.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "libdd/core/json.hpp"
#include "libdd/crypto/digest.hpp"
#include "libdd/net/http_client.hpp"
#include "tests/support/scripted_transport.hpp"
#include "tests/unit/local/releases.hpp"

using namespace dd;
using namespace dd::fetch;
using namespace std::chrono_literals;
using protocol::AssetFound;
using protocol::FetchProgress;
using test::http_answer;

namespace {

/// A download without a clock: pauses are noted and pass at once.
struct DownloadFixture {
  TempDir home;
  std::filesystem::path path = home.write("asset", "");
  int fd = open(path.c_str(), O_RDWR);
  std::chrono::steady_clock::time_point time{};
  std::vector<std::chrono::milliseconds> pauses;
  std::vector<AssetFound> found;
  std::vector<std::int64_t> progress;

  DownloadFixture() = default;
  DownloadFixture(const DownloadFixture&) = delete;
  DownloadFixture& operator=(const DownloadFixture&) = delete;
  ~DownloadFixture() { close(fd); }

  Result<void> run(const protocol::GetAsset& order, HttpTransport& transport) {
    AssetFile file(fd);
    const DownloadSeams seams{transport, [this](const auto& report) { take(report); },
                              [this](auto pause) { wait(pause); }, [this] { return time; }, system_random()};
    return download(order, file, seams);
  }
  void take(const protocol::FetchReport& report) {
    if (const auto* asset = std::get_if<AssetFound>(&report)) found.push_back(*asset);
    if (const auto* more = std::get_if<FetchProgress>(&report)) progress.push_back(more->bytes);
  }
  void wait(std::chrono::milliseconds pause) {
    pauses.push_back(pause);
    time += pause;
  }
  [[nodiscard]] std::string content() const {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
};

protocol::GetAsset order_for(std::string api_url, std::string tag = "v1") {
  protocol::GetAsset order;
  order.api_url = std::move(api_url);
  order.repo = "acme/tool";
  order.asset = "tool";
  order.tag = std::move(tag);
  order.max_bytes = 64 << 20;
  order.deadline_ms = 60'000;
  return order;
}

constexpr const char* kApi = "https://api";

HttpResponse release_of(std::size_t size, const std::string& url = "https://web/tool") {
  return http_answer(
      200, to_text({{"tag_name", "v1"},
                    {"assets", {{{"id", 7}, {"name", "tool"}, {"size", size}, {"browser_download_url", url}}}}}));
}

/// Answers the API with `release`, and everything else with `content`.
test::ScriptedTransport::Script github(HttpResponse release, std::string content) {
  return
      [release = std::move(release), content = std::move(content)](const HttpRequest& request) -> Result<HttpResponse> {
        if (!request.sink) return release;
        if (!request.sink(content)) return fail(ErrorCode::unavailable, "cannot: its content is not wanted");
        return http_answer(200, "");
      };
}

}  // namespace

TEST_CASE("an asset is downloaded, its release is told before, progress meanwhile") {
  const std::string content(9'000'000, 'x');
  test::Releases releases;
  releases.add("acme/tool", "v1", "tool", content);
  releases.add("acme/tool", "v2", "tool", "newer");
  const auto transport = net::make_http_transport({});
  DownloadFixture f;
  REQUIRE(f.run(order_for(releases.api_url()), *transport).has_value());
  CHECK(f.content() == content);
  REQUIRE(f.found.size() == 1);
  CHECK(f.found[0] == AssetFound{"v1", 9'000'000, "sha256:" + to_hex(crypto::sha256(as_bytes(content)))});
  CHECK(f.progress.size() >= 2);
  REQUIRE(f.run(order_for(releases.api_url(), ""), *transport).has_value());
  CHECK(f.content() == "newer");
  CHECK(f.found[1].tag == "v2");
}

TEST_CASE("a private asset comes with the token, which goes to the API's origin alone") {
  test::Releases releases({{"acme/tool", Secret("ghp_reader")}});
  releases.add("acme/tool", "v1", "tool", "private");
  const auto transport = net::make_http_transport({});
  DownloadFixture f;
  auto order = order_for(releases.api_url());
  order.token = Secret("ghp_reader");
  // The storage refuses a request that has credentials.
  REQUIRE(f.run(order, *transport).has_value());
  CHECK(f.content() == "private");
  CHECK(releases.server().storage_faults().requests() == 1);

  for (const auto* token : {"", "ghp_stranger"}) {
    CAPTURE(token);
    order.token = Secret(token);
    const auto refused = f.run(order, *transport);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == ErrorCode::not_found);
    CHECK(refused.error().message.find("ghp_") == std::string::npos);
  }
}

TEST_CASE(
    "without a token the public URL is asked, which does not count against the API's limit, and with one the API") {
  DownloadFixture f;
  test::ScriptedTransport transport(github(release_of(3), "abc"));
  auto order = order_for(kApi, "v1/rc");
  REQUIRE(f.run(order, transport).has_value());
  REQUIRE(transport.requests.size() == 2);
  CHECK(transport.requests[0].url == "https://api/repos/acme/tool/releases/tags/v1%2Frc");
  CHECK(transport.requests[1].url == "https://web/tool");
  for (const auto& request : transport.requests) CHECK(request.headers.find("Authorization") == nullptr);

  order.token = Secret("ghp_x");
  REQUIRE(f.run(order, transport).has_value());
  CHECK(transport.requests[3].url == "https://api/repos/acme/tool/releases/assets/7");
  CHECK(*transport.requests[3].headers.find("Authorization") == "Bearer ghp_x");
}

TEST_CASE("what may pass is tried again from the start, what will not is said at once") {
  const auto answers = [](int status) {
    return [status](const HttpRequest&) -> Result<HttpResponse> { return http_answer(status, "{}"); };
  };
  const struct {
    const char* name;
    test::ScriptedTransport::Script script;
    ErrorCode code;
    std::size_t requests;
  } cases[] = {
      {"no connection",
       [](const HttpRequest&) -> Result<HttpResponse> { return fail(ErrorCode::unavailable, "cannot reach"); },
       ErrorCode::unavailable, 5},
      {"down", answers(503), ErrorCode::unavailable, 5},
      {"shorter than announced", github(release_of(10), "short"), ErrorCode::unavailable, 10},
      {"not there", answers(404), ErrorCode::not_found, 1},
      {"rate limit without a time", answers(429), ErrorCode::rate_limited, 1},
      {"no release", [](const HttpRequest&) -> Result<HttpResponse> { return http_answer(200, "[]"); },
       ErrorCode::upstream, 1},
      {"larger than is fetched", github(release_of(65 << 20), ""), ErrorCode::too_large, 1},
      {"a way out of https", github(release_of(3, "http://web/tool"), "abc"), ErrorCode::upstream, 1},
      {"a URL that is none", github(release_of(3, "file:///etc/passwd"), "abc"), ErrorCode::upstream, 1},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    DownloadFixture f;
    test::ScriptedTransport transport(c.script);
    const auto done = f.run(order_for(kApi), transport);
    REQUIRE_FALSE(done.has_value());
    CHECK(to_string(done.error().code) == to_string(c.code));
    CHECK(transport.requests.size() == c.requests);
    CAPTURE(done.error().message);
    CHECK(done.error().message.starts_with("cannot fetch tool of acme/tool"));
  }
}

TEST_CASE("a transfer that broke is emptied before it is tried again") {
  DownloadFixture f;
  int transfers = 0;
  test::ScriptedTransport transport([&](const HttpRequest& request) -> Result<HttpResponse> {
    if (!request.sink) return release_of(6);
    if (++transfers == 1) {
      CHECK(request.sink("wrong, and longer"));
      return fail(ErrorCode::unavailable, "cannot reach: broken off");
    }
    CHECK(request.sink("abc"));
    CHECK(request.sink("def"));
    return http_answer(200, "");
  });
  REQUIRE(f.run(order_for(kApi), transport).has_value());
  CHECK(f.content() == "abcdef");
}

TEST_CASE("a rate limit is waited for when it ends before the deadline") {
  DownloadFixture f;
  test::ScriptedTransport transport([&](const HttpRequest& request) -> Result<HttpResponse> {
    if (f.pauses.empty()) return http_answer(429, "{}", {{"Retry-After", "30"}});
    return github(release_of(3), "abc")(request);
  });
  REQUIRE(f.run(order_for(kApi), transport).has_value());
  CHECK(f.pauses == std::vector<std::chrono::milliseconds>{30s});

  DownloadFixture late;
  transport.set_script(
      [](const HttpRequest&) -> Result<HttpResponse> { return http_answer(429, "{}", {{"Retry-After", "61"}}); });
  const auto done = late.run(order_for(kApi), transport);
  REQUIRE_FALSE(done.has_value());
  CHECK(done.error().code == ErrorCode::rate_limited);
  CHECK(late.pauses.empty());
}

TEST_CASE("no request may last longer than what is left of the deadline") {
  DownloadFixture f;
  test::ScriptedTransport transport([&](const HttpRequest& request) -> Result<HttpResponse> {
    f.time += 25s;
    CHECK(request.deadline <= 60s);
    return http_answer(503, "{}");
  });
  const auto done = f.run(order_for(kApi), transport);
  REQUIRE_FALSE(done.has_value());
  CHECK(transport.requests.size() <= 3);
  CHECK(transport.requests.back().deadline < 36s);
}

TEST_CASE("a file that takes no more ends the download, and it is not tried again") {
  const struct {
    const char* name;
    int file;
    std::size_t requests;
  } cases[] = {{"cannot grow", memfd_create("asset", MFD_CLOEXEC | MFD_ALLOW_SEALING), 2},
               {"cannot be emptied", open("/dev/full", O_WRONLY), 1}};
  REQUIRE(fcntl(cases[0].file, F_ADD_SEALS, F_SEAL_GROW) == 0);
  for (const auto& c : cases) {
    CAPTURE(c.name);
    DownloadFixture f;
    close(f.fd);
    f.fd = c.file;
    test::ScriptedTransport transport(github(release_of(3), "abc"));
    const auto done = f.run(order_for(kApi), transport);
    REQUIRE_FALSE(done.has_value());
    CHECK(done.error().code == ErrorCode::unavailable);
    CHECK(done.error().message.find("cannot ") == 0);
    CHECK(transport.requests.size() == c.requests);
  }
}
