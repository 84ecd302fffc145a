#include "libdd/identity/request_origin.hpp"

#include <vector>

#include <doctest/doctest.h>

using namespace dd;
using namespace dd::identity;

namespace {

constexpr std::string_view kOurOrigin = "https://app.dd.example";

Result<void> check(const std::vector<std::string>& origins) {
  HttpHeaders headers;
  for (const auto& origin : origins) headers.add("Origin", origin);
  return check_request_origin(headers, kOurOrigin);
}

}  // namespace

TEST_CASE("a request of our own page is accepted") { CHECK(check({"https://app.dd.example"}).has_value()); }

TEST_CASE("a request of any other page is refused") {
  const struct {
    const char* name;
    std::vector<std::string> origins;
  } attacks[] = {
      {"without a word about where it is from", {}},
      {"from a sandbox, a file or after a redirect", {"null"}},
      {"from a stranger", {"https://evil.example"}},
      {"from a workload's host", {"https://hello.dd-1.dd.example"}},
      {"from the parent domain", {"https://dd.example"}},
      {"from our host without TLS", {"http://app.dd.example"}},
      {"from another port", {"https://app.dd.example:8443"}},
      {"from a host that starts like ours", {"https://app.dd.example.evil.example"}},
      {"from a host that ends like ours", {"https://evilapp.dd.example"}},
      {"with a path", {"https://app.dd.example/"}},
      {"in another case", {"https://APP.dd.example"}},
      {"ours and another", {"https://app.dd.example", "https://evil.example"}},
      {"ours twice", {"https://app.dd.example", "https://app.dd.example"}},
      {"a list", {"https://app.dd.example https://evil.example"}},
      {"nothing", {""}},
  };
  for (const auto& attack : attacks) {
    CAPTURE(attack.name);
    const auto checked = check(attack.origins);
    REQUIRE_FALSE(checked.has_value());
    CHECK(checked.error().code == ErrorCode::permission_denied);
    CHECK(checked.error().reason == "origin_mismatch");
  }
}

TEST_CASE("every method but GET and HEAD changes something") {
  CHECK_FALSE(changes_state("GET"));
  CHECK_FALSE(changes_state("HEAD"));
  for (const auto* method : {"POST", "PUT", "DELETE", "PATCH", "get", "OPTIONS", ""}) {
    CAPTURE(method);
    CHECK(changes_state(method));
  }
}
