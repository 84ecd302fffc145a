// Property: however the bytes of an attached terminal are cut, the same frames come out, written again they are the bytes that were read,
// and behind a broken frame comes nothing.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "libdd/protocol/attach_frames.hpp"

namespace {

using dd::protocol::AttachFrame;

struct Frames {
  std::vector<AttachFrame> frames;
  bool broken = false;
  bool operator==(const Frames&) const = default;
};

Frames read(std::string_view input, std::size_t step) {
  Frames out;
  dd::protocol::AttachFrameReader reader;
  for (std::size_t at = 0; at < input.size(); at += step) {
    reader.append(input.substr(at, step));
    for (;;) {
      auto frame = reader.next();
      out.broken = out.broken || !frame;
      if (!frame || !*frame) break;
      if (out.broken) std::abort();
      out.frames.push_back(**std::move(frame));
    }
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string input(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto whole = read(input, std::max<std::size_t>(1, input.size()));
  if (read(input, std::max<std::size_t>(1, data[0])) != whole) std::abort();

  std::string again;
  for (const auto& frame : whole.frames) {
    if (frame.payload.size() > AttachFrame::kMaxPayload) std::abort();
    auto written = dd::protocol::data_frame(frame.payload);
    written.front() = static_cast<char>(frame.type);
    again += written;
    if (frame.type == AttachFrame::Type::resize)
      if (const auto window = dd::protocol::window_size_from(frame.payload); window && resize_frame(*window) != written)
        std::abort();
    if (frame.type == AttachFrame::Type::exit)
      if (const auto exit = dd::protocol::command_exit_from(frame.payload);
          exit && exit->code.has_value() == exit->signal.has_value())
        std::abort();
  }
  if (!input.starts_with(again)) std::abort();
  return 0;
}
