#include "libdd/agent/owner_auth.hpp"

#include "libdd/agent/visitor.hpp"

namespace dd::agent {

net::Authenticate owner_only(Context& context) {
  return [&context](const net::ServerRequest& request) -> net::Task<Result<std::string>> {
    auto visitor = co_await who(context, request.method, request.headers, request.client);
    if (!visitor) co_return tl::unexpected(std::move(visitor).error());
    co_return std::move(visitor->login);
  };
}

}  // namespace dd::agent
