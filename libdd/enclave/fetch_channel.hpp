// The runtime's end of the socket to dd-fetch (libdd/protocol/fetch.hpp).
#pragma once

#include <boost/asio/local/stream_protocol.hpp>

#include <span>

#include "libdd/enclave/unique_fd.hpp"
#include "libdd/net/line_buffer.hpp"
#include "libdd/net/task.hpp"
#include "libdd/protocol/fetch.hpp"

namespace dd::enclave {

/// Use on one io thread.
class FetchChannel {
 public:
  struct Ends;
  /// Errors: unavailable.
  [[nodiscard]] static Result<Ends> open(net::asio::any_io_executor executor);

  /// The descriptors are copied into the message. Does not wait: the order fits the socket's buffer. Errors: unavailable.
  [[nodiscard]] Result<void> send(const protocol::FetchOrder& order, std::span<const int> descriptors);
  /// Errors: unavailable when the helper is gone; malformed, too_large when it says what it should not.
  net::Task<Result<protocol::FetchReport>> next();
  /// Nothing comes any more behind what has come.
  void end();

 private:
  explicit FetchChannel(net::asio::local::stream_protocol::socket socket)
      : socket_(std::move(socket)), lines_(protocol::kMaxFetchLine) {}

  net::asio::local::stream_protocol::socket socket_;
  net::LineBuffer lines_;
};

struct FetchChannel::Ends {
  std::shared_ptr<FetchChannel> ours;
  UniqueFd helpers;
};

}  // namespace dd::enclave
