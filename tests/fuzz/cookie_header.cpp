// Property: reading our cookie never fails but for a second one, what is read has no separator in it, and a cookie that we set is
// found among the foreign ones around it, or refused because they hold ours too.
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
  const auto found = cookies.find(headers, kSessionCookie);
  if (!found && found.error().code != ErrorCode::unauthenticated) std::abort();
  if (found && *found && (*found)->find(';') != std::string::npos) std::abort();

  HttpHeaders both;
  both.add("Cookie", foreign + "; __Host-dd_session=a.b.c; " + foreign);
  const auto ours = cookies.find(both, kSessionCookie);
  const bool planted = !found || found->has_value();
  if (ours.has_value() == planted) std::abort();
  if (ours && *ours != "a.b.c") std::abort();
  return 0;
}
