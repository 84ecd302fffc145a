#include "libdd/enclave/fetch_channel.hpp"

#include <sys/socket.h>

#include <array>
#include <cstring>

#include "libdd/enclave/system_error.hpp"
#include "libdd/net/into.hpp"

namespace dd::enclave {
namespace {

constexpr std::size_t kMaxDescriptors = 2;

}  // namespace

Result<FetchChannel::Ends> FetchChannel::open(net::asio::any_io_executor executor) {
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
    return system_failure("cannot make a socket for dd-fetch");
  UniqueFd ours(pair[0]);
  Ends ends;
  ends.helpers = UniqueFd(pair[1]);
  net::asio::local::stream_protocol::socket socket(executor);
  boost::system::error_code failed;
  socket.assign(net::asio::local::stream_protocol(), ours.get(), failed);
  if (failed) return system_failure("cannot make a socket for dd-fetch", failed.value());
  static_cast<void>(ours.release());
  ends.ours = std::shared_ptr<FetchChannel>(new FetchChannel(std::move(socket)));
  return ends;
}

Result<void> FetchChannel::send(const protocol::FetchOrder& order, std::span<const int> descriptors) {
  const auto line = protocol::to_line(order) + "\n";
  if (descriptors.empty() || descriptors.size() > kMaxDescriptors || line.size() > protocol::kMaxFetchLine)
    return fail(ErrorCode::internal, "cannot send dd-fetch its order");
  alignas(cmsghdr) std::array<char, CMSG_SPACE(kMaxDescriptors * sizeof(int))> control{};
  iovec part{const_cast<char*>(line.data()), line.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
  auto* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(descriptors.size_bytes());
  std::memcpy(CMSG_DATA(header), descriptors.data(), descriptors.size_bytes());
  const auto sent = sendmsg(socket_.native_handle(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent == static_cast<ssize_t>(line.size())) return {};
  return system_failure("cannot send dd-fetch its order", sent < 0 ? errno : EMSGSIZE);
}

net::Task<Result<protocol::FetchReport>> FetchChannel::next() {
  std::array<char, 4096> bytes;
  const auto space = net::asio::buffer(bytes);
  for (;;) {
    if (const auto line = lines_.next()) co_return protocol::fetch_report_from(*line);
    if (lines_.overflow()) co_return fail(ErrorCode::too_large, "cannot read dd-fetch's report: it is too long");
    boost::system::error_code ended;
    const auto got = co_await socket_.async_read_some(space, net::into(ended));
    if (ended) co_return fail(ErrorCode::unavailable, "cannot fetch: dd-fetch ended before it was done");
    lines_.append({bytes.data(), got});
  }
}

void FetchChannel::end() {
  boost::system::error_code ignored;
  // Not close(): that would drop what has not been read yet.
  socket_.shutdown(net::asio::socket_base::shutdown_receive, ignored);
}

}  // namespace dd::enclave
