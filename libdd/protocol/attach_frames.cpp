#include "libdd/protocol/attach_frames.hpp"

#include <nlohmann/json.hpp>

#include "libdd/core/json.hpp"

namespace dd::protocol {
namespace {

// Type, then the length, most significant byte first.
constexpr std::size_t kHeader = 5;

void put(std::string& out, std::uint64_t value, int bytes) {
  while (bytes-- > 0) out += static_cast<char>(value >> (8 * bytes) & 0xffU);
}

std::uint32_t number_at(std::string_view bytes, std::size_t at, std::size_t size) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < size; ++i) value = value << 8U | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

std::string frame(AttachFrame::Type type, std::string_view payload) {
  std::string out;
  out.reserve(kHeader + payload.size());
  put(out, static_cast<std::uint8_t>(type), 1);
  put(out, payload.size(), 4);
  out += payload;
  return out;
}

}  // namespace

std::string data_frame(std::string_view bytes) { return frame(AttachFrame::Type::data, bytes); }

std::string resize_frame(WindowSize size) {
  std::string payload;
  put(payload, size.cols, 2);
  put(payload, size.rows, 2);
  return frame(AttachFrame::Type::resize, payload);
}

std::string exit_frame(const CommandExit& exit) {
  auto value = Json::object();
  if (exit.code) value["exit_code"] = *exit.code;
  if (exit.signal) value["signal"] = *exit.signal;
  return frame(AttachFrame::Type::exit, to_text(value));
}

Result<WindowSize> window_size_from(std::string_view payload) {
  if (payload.size() != 4)
    return fail(ErrorCode::malformed, "cannot read resize: " + std::to_string(payload.size()) + " bytes, want 4");
  const auto cols = number_at(payload, 0, 2);
  const auto rows = number_at(payload, 2, 2);
  const auto fits = [](std::uint32_t value) { return value >= 1 && value <= WindowSize::kMaxWindow; };
  if (!fits(cols) || !fits(rows))
    return fail(ErrorCode::invalid_argument,
                "cannot read resize: columns and rows must be 1.." + std::to_string(WindowSize::kMaxWindow));
  return WindowSize{static_cast<std::uint16_t>(cols), static_cast<std::uint16_t>(rows)};
}

Result<CommandExit> command_exit_from(std::string_view payload) {
  const auto value = parse_json(payload);
  if (!value) return wrap(value.error(), "cannot read exit");
  ObjectReader reader(*value, "$");
  CommandExit exit;
  if (const auto code = reader.optional_integer("exit_code", 0, 255)) exit.code = static_cast<int>(*code);
  if (const auto signal = reader.optional_integer("signal", 1, 64)) exit.signal = static_cast<int>(*signal);
  if (reader.error()) return wrap(*reader.error(), "cannot read exit");
  if (exit.code.has_value() == exit.signal.has_value())
    return fail(ErrorCode::malformed, "cannot read exit: want exactly one of exit_code and signal");
  return exit;
}

void AttachFrameReader::append(std::string_view bytes) {
  // Once per read and not once per frame.
  bytes_.erase(0, start_);
  start_ = 0;
  bytes_ += bytes;
}

Result<std::optional<AttachFrame>> AttachFrameReader::next() {
  const auto rest = std::string_view(bytes_).substr(start_);
  if (rest.size() < kHeader) return std::nullopt;
  const auto type = number_at(rest, 0, 1);
  const auto length = number_at(rest, 1, 4);
  if (type > static_cast<std::uint8_t>(AttachFrame::Type::exit))
    return fail(ErrorCode::malformed, "cannot read frame: type " + std::to_string(type) + " is unknown");
  if (length > AttachFrame::kMaxPayload)
    return fail(ErrorCode::too_large, "cannot read frame: " + std::to_string(length) + " bytes, want at most " +
                                          std::to_string(AttachFrame::kMaxPayload));
  if (rest.size() < kHeader + length) return std::nullopt;
  AttachFrame frame{static_cast<AttachFrame::Type>(type), std::string(rest.substr(kHeader, length))};
  start_ += kHeader + length;
  return frame;
}

}  // namespace dd::protocol
