#include "libdd/enclave_client/terminal.hpp"

#include <array>

namespace dd::enclave_client {

net::Task<Result<protocol::AttachFrame>> Terminal::read() {
  std::array<char, 4096> bytes;
  for (;;) {
    auto frame = frames_.next();
    if (!frame) co_return fail(ErrorCode::upstream, "cannot read the terminal: " + frame.error().message);
    if (*frame) co_return **std::move(frame);
    const auto count = co_await connection_->read(bytes);
    if (count == 0) co_return fail(ErrorCode::unavailable, "cannot read the terminal: the runtime closed it");
    frames_.append({bytes.data(), count});
  }
}

net::Task<bool> Terminal::write(std::string bytes) {
  for (std::string_view rest = bytes; !rest.empty();) {
    const auto piece = rest.substr(0, protocol::AttachFrame::kMaxPayload);
    rest.remove_prefix(piece.size());
    const auto frame = protocol::data_frame(piece);
    const bool written = co_await connection_->write(frame);
    if (!written) co_return false;
  }
  co_return true;
}

net::Task<bool> Terminal::resize(protocol::WindowSize size) {
  const auto frame = protocol::resize_frame(size);
  const bool written = co_await connection_->write(frame);
  co_return written;
}

}  // namespace dd::enclave_client
