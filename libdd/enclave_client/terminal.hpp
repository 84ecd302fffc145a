// A command with a terminal in the runtime (docs/wire.md, 8.1), as its caller has it.
#pragma once

#include <memory>
#include <string>

#include "libdd/net/byte_connection.hpp"
#include "libdd/protocol/attach_frames.hpp"

namespace dd::enclave_client {

/// Use on one io thread; one read and one write at a time. Whoever drops it hangs up, which ends the command.
class Terminal {
 public:
  Terminal(std::string id, std::shared_ptr<net::ByteConnection> connection)
      : id_(std::move(id)), connection_(std::move(connection)) {}

  [[nodiscard]] const std::string& id() const noexcept { return id_; }
  /// What the terminal says, or how the command ended, behind which nothing comes. Reading no more stops the command when it writes. Errors:
  /// unavailable when the runtime is gone or close() was called, upstream for a frame that is none.
  net::Task<Result<protocol::AttachFrame>> read();
  /// Types it. False when the command is gone.
  net::Task<bool> write(std::string bytes);
  net::Task<bool> resize(protocol::WindowSize size);
  void close() { connection_->close(); }

 private:
  std::string id_;
  std::shared_ptr<net::ByteConnection> connection_;
  protocol::AttachFrameReader frames_;
};

}  // namespace dd::enclave_client
