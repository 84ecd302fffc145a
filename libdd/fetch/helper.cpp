#include <sys/resource.h>

#include <clocale>
#include <csignal>
#include <thread>

#include "dd/fetch.hpp"
#include "libdd/fetch/download.hpp"
#include "libdd/fetch/order_socket.hpp"
#include "libdd/fetch/unpack.hpp"
#include "libdd/net/http_client.hpp"

namespace dd {
namespace {

using namespace fetch;

// Two threads of the HTTP library and their arenas are mostly reserved, not used. Address sanitizer reserves terabytes.
constexpr rlim_t kMaxMemory = rlim_t{2} * 1024 * 1024 * 1024;
constexpr rlim_t kMaxDescriptors = 64;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#elif defined(__has_feature)
constexpr bool kSanitized = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
constexpr bool kSanitized = false;
#endif

void lower(__rlimit_resource_t resource, rlim_t most) {
  const rlimit limit{most, most};
  // Refused only where it is lower already.
  setrlimit(resource, &limit);
}

// Own limits, since they are known best here; who gets in later cannot raise them again.
void give_up_resources(std::int64_t most_bytes) {
  signal(SIGXFSZ, SIG_IGN);  // the write then fails instead
  lower(RLIMIT_FSIZE, static_cast<rlim_t>(most_bytes));
  lower(RLIMIT_NOFILE, kMaxDescriptors);
  if (!kSanitized) lower(RLIMIT_AS, kMaxMemory);
}

Result<void> carry_out(const protocol::GetAsset& order, const std::vector<int>& descriptors, OrderSocket& socket) {
  give_up_resources(order.max_bytes);
  net::HttpClientOptions options;
  options.ca_file = order.ca_file;
  options.user_agent = "dd-fetch";
  const auto transport = net::make_http_transport(std::move(options));
  AssetFile file(descriptors.at(0));
  const DownloadSeams seams{*transport, [&socket](const protocol::FetchReport& report) { socket.send(report); },
                            [](std::chrono::milliseconds pause) { std::this_thread::sleep_for(pause); },
                            [] { return std::chrono::steady_clock::now(); }, system_random()};
  return download(order, file, seams);
}

Result<void> carry_out(const protocol::UnpackArchive& order, const std::vector<int>& descriptors, OrderSocket& socket) {
  give_up_resources(order.max_bytes);
  // Names in an archive are UTF-8; in the C locale libarchive gives none that is not ASCII.
  std::setlocale(LC_CTYPE, "C.UTF-8");
  const UnpackLimits limits{order.max_bytes, order.max_entries};
  return unpack(descriptors.at(0), descriptors.at(1), limits,
                [&socket](std::int64_t bytes) { socket.send(protocol::FetchProgress{bytes}); });
}

}  // namespace

int run_fetch_helper(int socket) {
  OrderSocket runtime(socket);
  const auto received = runtime.receive();
  if (!received) {
    runtime.send(received.error());
    return 1;
  }
  const auto done =
      std::visit([&](const auto& order) { return carry_out(order, received->descriptors, runtime); }, received->order);
  const auto heard = done ? runtime.send(protocol::FetchDone{}) : runtime.send(done.error());
  return done && heard ? 0 : 1;
}

}  // namespace dd
