// What a connection of lines becomes when both sides agree to it (attach; docs/wire.md, 8): bytes both ways.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "libdd/net/task.hpp"

namespace dd::net {

class LineStream;

/// Use on one io thread. A peer that does not read makes write() wait, so whoever reads one thing and writes it here holds no more than that.
class ByteConnection {
 public:
  /// Starts with what the peer sent right behind its last line.
  explicit ByteConnection(std::shared_ptr<LineStream> stream);
  ~ByteConnection();
  ByteConnection(const ByteConnection&) = delete;
  ByteConnection& operator=(const ByteConnection&) = delete;

  /// How many bytes came, at least one; 0 when the peer sends no more or the connection is closed. `room` outlives the call.
  Task<std::size_t> read(std::span<char> room);
  /// False when the peer is gone or the connection is closed. `bytes` outlives the call.
  Task<bool> write(std::string_view bytes);
  /// Returns when the peer is gone for good or the connection is closed, although nobody reads.
  Task<void> hung_up();
  void close();

 private:
  std::shared_ptr<LineStream> stream_;
  std::string early_;
};

}  // namespace dd::net
