// Property: parse() accepts nothing but a quote: what it accepts is a prefix of its input that build() writes again byte for byte. And no quote
// that anybody can make up verifies under Intel's root.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "dd/quote.hpp"
#include "libdd/attest/quote_signature.hpp"

namespace {

constexpr std::string_view kIntelRoot = R"(-----BEGIN CERTIFICATE-----
MIICjzCCAjSgAwIBAgIUImUM1lqdNInzg7SVUr9QGzknBqwwCgYIKoZIzj0EAwIwaDEaMBgGA1UEAwwRSW50ZWwgU0dYIFJvb3QgQ0ExGjAYBgNVBAoMEUludGVs
IENvcnBvcmF0aW9uMRQwEgYDVQQHDAtTYW50YSBDbGFyYTELMAkGA1UECAwCQ0ExCzAJBgNVBAYTAlVTMB4XDTE4MDUyMTEwNDUxMFoXDTQ5MTIzMTIzNTk1OVow
aDEaMBgGA1UEAwwRSW50ZWwgU0dYIFJvb3QgQ0ExGjAYBgNVBAoMEUludGVsIENvcnBvcmF0aW9uMRQwEgYDVQQHDAtTYW50YSBDbGFyYTELMAkGA1UECAwCQ0Ex
CzAJBgNVBAYTAlVTMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEC6nEwMDIYZOj/iPWsCzaEKi71OiOSLRFhWGjbnBVJfVnkY4u3IjkDYYL0MxO4mqsyYjlBalT
VYxFP2sJBK5zlKOBuzCBuDAfBgNVHSMEGDAWgBQiZQzWWp00ifODtJVSv1AbOScGrDBSBgNVHR8ESzBJMEegRaBDhkFodHRwczovL2NlcnRpZmljYXRlcy50cnVz
dGVkc2VydmljZXMuaW50ZWwuY29tL0ludGVsU0dYUm9vdENBLmRlcjAdBgNVHQ4EFgQUImUM1lqdNInzg7SVUr9QGzknBqwwDgYDVR0PAQH/BAQDAgEGMBIGA1Ud
EwEB/wQIMAYBAf8CAQEwCgYIKoZIzj0EAwIDSQAwRgIhAOW/5QkR+S9CiSDcNoowLuPRLsWGf/Yi7GSX94BgwTwgAiEA4J0lrHoMs+Xo5o/sX6O9QWxHRAvZUGOd
RQ7cvqRXaqI=
-----END CERTIFICATE-----
)";
constexpr std::int64_t kNow = 1'790'000'000;

void check(bool property) {
  if (!property) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto input = std::as_bytes(std::span(data, size));
  const auto quote = dd::Quote::parse(input);
  if (!quote) {
    check(quote.error().message.starts_with("cannot parse quote: "));
    return 0;
  }
  check(quote->raw().size() + quote->trailing_bytes() == size);
  check(std::ranges::equal(quote->raw(), input.first(quote->raw().size())));
  const auto again = dd::Quote::build(quote->header(), quote->report(), quote->signature());
  check(again && std::ranges::equal(again->raw(), quote->raw()));
  const auto verified = dd::attest::verify_quote_signature(*quote, kIntelRoot, kNow);
  check(!verified && verified.error().code == dd::ErrorCode::unauthenticated);
  return 0;
}
