#include "libdd/net/retry_after.hpp"

#include <ctime>

#include <algorithm>
#include <iomanip>
#include <locale>
#include <sstream>
#include <string>

#include "dd/clock.hpp"
#include "libdd/core/decimal.hpp"

namespace dd::net {
namespace {

// Whatever a server writes there, it can be added to a time.
constexpr std::chrono::seconds kLongest{86'400};

// RFC 9110, 5.6.7. The two obsolete forms are for recipients of 1994.
std::optional<std::int64_t> unix_seconds_of(const std::string& date) {
  // get_time is content with a text that ends early.
  if (!date.ends_with(" GMT")) return std::nullopt;
  std::istringstream text(date);
  text.imbue(std::locale::classic());
  std::tm parts{};
  text >> std::get_time(&parts, "%a, %d %b %Y %H:%M:%S GMT");
  if (text.fail() || text.peek() != std::istringstream::traits_type::eof()) return std::nullopt;
  return std::int64_t{timegm(&parts)};
}

}  // namespace

std::optional<std::chrono::seconds> retry_after(const HttpHeaders& headers) {
  const auto* text = headers.find("Retry-After");
  if (text == nullptr) return std::nullopt;
  if (const auto seconds = decimal<std::uint32_t>(*text)) return std::min(std::chrono::seconds(*seconds), kLongest);
  const auto again_at = unix_seconds_of(*text);
  if (!again_at) return std::nullopt;
  const auto* date = headers.find("Date");
  const auto said_at = date == nullptr ? std::nullopt : unix_seconds_of(*date);
  const auto now = said_at ? *said_at : system_clock().unix_seconds();
  return std::clamp(std::chrono::seconds(*again_at - now), std::chrono::seconds(0), kLongest);
}

}  // namespace dd::net
