// The frames of an attached terminal (docs/wire.md, 8.1): a type, a length, and so many bytes. Free of Asio: both ends of the socket cut them
// out of whatever pieces arrive.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "dd/error.hpp"

namespace dd::protocol {

/// Columns and rows of a terminal, each in 1..kMaxWindow.
struct WindowSize {
  static constexpr std::int64_t kMaxWindow = 4096;

  std::uint16_t cols = 80;
  std::uint16_t rows = 24;
  bool operator==(const WindowSize&) const = default;
};

/// How a command ended: exactly one of both.
struct CommandExit {
  std::optional<int> code;
  std::optional<int> signal;
  bool operator==(const CommandExit&) const = default;
};

struct AttachFrame {
  /// data: bytes of the terminal, both ways. resize: a WindowSize, to the runtime. exit: a CommandExit, from the runtime, the last frame.
  enum class Type : std::uint8_t { data = 0, resize = 1, exit = 2 };
  static constexpr std::size_t kMaxPayload = 64 * 1024;

  Type type = Type::data;
  std::string payload;
  bool operator==(const AttachFrame&) const = default;
};

/// `bytes` of at most kMaxPayload.
[[nodiscard]] std::string data_frame(std::string_view bytes);
[[nodiscard]] std::string resize_frame(WindowSize size);
[[nodiscard]] std::string exit_frame(const CommandExit& exit);

/// Errors: malformed for another length, invalid_argument for a size outside its range.
[[nodiscard]] Result<WindowSize> window_size_from(std::string_view payload);
/// Errors: malformed.
[[nodiscard]] Result<CommandExit> command_exit_from(std::string_view payload);

/// Append what was read, take frames out in order. Holds at most one frame that is not complete.
class AttachFrameReader {
 public:
  void append(std::string_view bytes);
  /// nullopt when more bytes are needed. Errors, from then on at every call: malformed for an unknown type, too_large.
  [[nodiscard]] Result<std::optional<AttachFrame>> next();

 private:
  std::string bytes_;
  std::size_t start_ = 0;  // of the frame at the front
};

}  // namespace dd::protocol
