// What cloudflared writes, on its way to our log: whole lines, bounded in size and number, without the token.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <utility>

#include "dd/secret.hpp"

namespace dd::tunnel {

/// Use on one io thread.
class ConnectorLog {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  static constexpr std::size_t kMaxLine = 500;
  static constexpr int kLinesPerWindow = 50;
  static constexpr std::chrono::seconds kWindow{10};

  explicit ConnectorLog(Secret token) : token_(std::move(token)) {}

  /// Logs the lines that end in `chunk` at debug level; over the limit they are counted only.
  void add(std::string_view chunk, TimePoint now);
  /// The last line, for the record of an exit; empty when there was none.
  [[nodiscard]] const std::string& last_line() const noexcept { return last_line_; }
  /// Whether a line said that Cloudflare knows no such tunnel, since this was asked last.
  [[nodiscard]] bool said_tunnel_is_gone() noexcept { return std::exchange(said_tunnel_is_gone_, false); }

 private:
  void line(TimePoint now);

  Secret token_;
  std::string partial_;
  std::string last_line_;
  TimePoint window_start_{};
  int in_window_ = 0;
  int left_out_ = 0;
  bool said_tunnel_is_gone_ = false;
};

}  // namespace dd::tunnel
