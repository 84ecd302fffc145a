#include "libdd/local/pump.hpp"

#include <array>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

namespace dd::local {
namespace {

using asio::ip::tcp;
using Socket = std::shared_ptr<tcp::socket>;

constexpr std::size_t kPumpChunk = 32 * 1024;

net::Task<void> copy(Socket from, Socket to) {
  std::vector<char> chunk(kPumpChunk);
  boost::system::error_code failed;
  while (true) {
    const auto room = asio::buffer(chunk);
    const auto size = co_await from->async_read_some(room, asio::redirect_error(asio::use_awaitable, failed));
    if (failed) break;
    const auto data = asio::buffer(chunk.data(), size);
    co_await asio::async_write(*to, data, asio::redirect_error(asio::use_awaitable, failed));
    if (failed) break;
  }
  if (failed == asio::error::eof) {
    boost::system::error_code ignored;
    to->shutdown(tcp::socket::shutdown_send, ignored);
    co_return;
  }
  close_socket(*from);
  close_socket(*to);
}

}  // namespace

net::Task<void> pump(Socket one, Socket other) {
  auto executor = co_await net::this_executor();
  const auto back_done = std::make_shared<net::Event>(executor);
  const auto back_running = std::make_shared<bool>(true);
  auto back = [](Socket from, Socket to, std::shared_ptr<net::Event> done,
                 std::shared_ptr<bool> running) -> net::Task<void> {
    co_await copy(std::move(from), std::move(to));
    *running = false;
    done->notify();
  };
  net::spawn(executor, back(other, one, back_done, back_running), "pump");
  co_await copy(std::move(one), std::move(other));
  const std::chrono::milliseconds patience(1'000);
  while (*back_running) co_await back_done->wait(patience);
}

void close_socket(tcp::socket& socket) {
  boost::system::error_code ignored;
  socket.shutdown(tcp::socket::shutdown_both, ignored);
  socket.close(ignored);
}

}  // namespace dd::local
