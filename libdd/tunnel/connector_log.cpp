#include "libdd/tunnel/connector_log.hpp"

#include "dd/log.hpp"
#include "libdd/tunnel/cloudflare_envelope.hpp"

namespace dd::tunnel {
namespace {

// What the edge answers to the token of a tunnel that was deleted, as cloudflared repeats it in each try.
constexpr const char* kGone = "Unauthorized: Failed to get tunnel";

}  // namespace

void ConnectorLog::add(std::string_view chunk, TimePoint now) {
  for (const char c : chunk) {
    if (c == '\n')
      line(now);
    else if (partial_.size() <
             4 * kMaxLine)  // a secret that is cut in two would not be recognised: cut later than it is shown
      partial_ += c;
  }
}

void ConnectorLog::line(TimePoint now) {
  last_line_ = redact(partial_, token_, kMaxLine);
  if (partial_.find(kGone) != std::string::npos) said_tunnel_is_gone_ = true;
  partial_.clear();
  if (now - window_start_ >= kWindow) {
    if (left_out_ > 0) log::debug("connector wrote more", {{"lines", left_out_}});
    window_start_ = now;
    in_window_ = 0;
    left_out_ = 0;
  }
  if (++in_window_ > kLinesPerWindow) {
    ++left_out_;
    return;
  }
  log::debug("connector", {{"line", last_line_}});
}

}  // namespace dd::tunnel
