// Property: an order to dd-fetch and a report of it that are accepted say the same when they are written and read again, on one line.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "libdd/protocol/fetch.hpp"

namespace {

template <class Message>
void check(const dd::Result<Message>& message, dd::Result<Message> (*read)(std::string_view)) {
  if (!message) return;
  const auto line = to_line(*message);
  if (line.find('\n') != std::string::npos) std::abort();
  const auto again = read(line);
  if (!again || to_line(*again) != line) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view line(reinterpret_cast<const char*>(data), size);
  check(dd::protocol::fetch_order_from(line), dd::protocol::fetch_order_from);
  check(dd::protocol::fetch_report_from(line), dd::protocol::fetch_report_from);
  return 0;
}
