// `co_await socket.async_x(..., into(ec))`: the outcome goes into `ec` and nothing is thrown.
#pragma once

#include <utility>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/error_code.hpp>

namespace dd::net {

[[nodiscard]] inline auto into(boost::system::error_code& ec) {
  return boost::asio::redirect_error(boost::asio::use_awaitable, ec);
}

}  // namespace dd::net
