#include "libdd/enclave/fetch_words.hpp"

#include <doctest/doctest.h>

using namespace dd;
using namespace dd::enclave;

namespace {

const std::string kOne = std::string(64, '1');
const std::string kTwo = std::string(64, '2');

GithubRelease pinned_to(const std::string& sha256) {
  GithubRelease release;
  release.repo = "acme/tool";
  release.asset = "tool";
  release.sha256 = sha256;
  return release;
}

}  // namespace

TEST_CASE("bytes are used when they are what the request pins and what the release announces") {
  const struct {
    const char* name;
    std::string pinned;
    std::string announced;
    bool good;
  } cases[] = {
      {"neither says anything", "", "", true},
      {"both say this", kOne, "sha256:" + kOne, true},
      {"only the release does", "", "sha256:" + kOne, true},
      {"only the request does", kOne, "", true},
      {"the release says another", "", "sha256:" + kTwo, false},
      {"the request says another", kTwo, "", false},
      {"only the release is right", kTwo, "sha256:" + kOne, false},
      {"only the request is right", kOne, "sha256:" + kTwo, false},
      {"a digest of another kind", "", kOne, false},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    const auto checked = check_digest(pinned_to(c.pinned), c.announced, "sha256:" + kOne);
    CHECK(checked.has_value() == c.good);
    if (checked) continue;
    CHECK(checked.error().code == ErrorCode::permission_denied);
    CHECK(checked.error().message.starts_with("cannot use tool of acme/tool@latest: it is sha256:" + kOne));
  }
}

TEST_CASE("a fetch says what it found, then each quarter once") {
  const auto release = pinned_to("");
  FetchWords words(release);
  CHECK(words.progress(50).empty());
  CHECK(words.found({"v1", 100, ""}) == "fetching tool of acme/tool@v1: 100 bytes, no digest is announced");
  CHECK(words.progress(24).empty());
  CHECK(words.progress(25) == "fetched 25 %");
  CHECK(words.progress(26).empty());
  CHECK(words.progress(80) == "fetched 75 %");
  CHECK(words.progress(100).empty());
  CHECK(words.progress(std::int64_t{1} << 53).empty());
}
