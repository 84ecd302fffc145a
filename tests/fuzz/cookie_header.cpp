// Property: what is read as our cookies has our name and no separator in it, there is no end to what costs a look, and a cookie that we set is found
// among the foreign ones around it, unless there are too many of them in front.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "libdd/identity/cookie.hpp"

using namespace dd;
using namespace dd::identity;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto cookies = Cookies::of_origin("https://app.dd.example").value();
  const std::string foreign(reinterpret_cast<const char*>(data), size);
  HttpHeaders headers;
  headers.add("Cookie", foreign);
  const auto found = cookies.find_all(headers, kSessionCookie);
  if (found.size() > Cookies::kMostCookies) std::abort();
  for (const auto& [name, value] : found) {
    if (name != kSessionCookie && !is_fresh_name(name, kSessionCookie)) std::abort();
    if (name.find_first_of(";=") != std::string::npos || value.find(';') != std::string::npos) std::abort();
  }

  HttpHeaders both;
  both.add("Cookie", foreign + "; __Host-dd_session=a.b.c; " + foreign);
  const auto all = cookies.find_all(both, kSessionCookie);
  if (found.size() < Cookies::kMostCookies && std::ranges::find(all, "a.b.c", &FoundCookie::value) == all.end())
    std::abort();
  return 0;
}
