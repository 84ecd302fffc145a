#include <future>

#include "libdd/net/elsewhere.hpp"
#include "libdd/net/http_client.hpp"

namespace dd::net {

Task<Result<HttpResponse>> send(HttpTransport& transport, HttpRequest request) {
  std::function<void(HttpTransport::Done)> start = [&transport, &request](HttpTransport::Done done) {
    transport.send(std::move(request), std::move(done));
  };
  auto outcome = co_await from_elsewhere<Result<HttpResponse>>(std::move(start));
  co_return outcome;
}

Result<HttpResponse> send_blocking(HttpTransport& transport, HttpRequest request) {
  auto done = std::make_shared<std::promise<Result<HttpResponse>>>();
  auto outcome = done->get_future();
  transport.send(std::move(request), [done](Result<HttpResponse> value) { done->set_value(std::move(value)); });
  return outcome.get();
}

}  // namespace dd::net
