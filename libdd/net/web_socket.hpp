// Either end of a WebSocket (RFC 6455), after the handshake. Beast stays inside web_socket_over.hpp.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "libdd/net/task.hpp"

namespace dd::net {

/// Use on one io thread; one read and one write at a time. Pings, pongs, masks, fragments and UTF-8 are its own business: a peer that
/// breaks the protocol is told so with a close code, and then there is nothing more to read.
class WebSocket {
 public:
  enum class Kind { text, binary };
  struct Message {
    // Not an aggregate: docs/adr/0002.
    Message() {}

    Kind kind = Kind::binary;
    std::string bytes;
  };
  /// RFC 6455, 7.4.1.
  enum class Close : std::uint16_t {
    normal = 1000,
    going_away = 1001,
    unsupported = 1003,
    policy = 1008,
    internal = 1011
  };

  virtual ~WebSocket() = default;

  /// The next message; nothing when the conversation is over, whoever ended it.
  virtual Task<std::optional<Message>> read() = 0;
  /// In one frame. Waits for a peer that does not read. False when the conversation is over.
  virtual Task<bool> write(Kind kind, std::string bytes) = 0;
  /// Says why (at most 123 bytes) and waits for the peer's answer, but not for long.
  virtual Task<void> close(Close code, std::string reason) = 0;
  /// Without a word.
  virtual void abort() = 0;
};

}  // namespace dd::net
