#include "libdd/cp/owner_route.hpp"

namespace dd::cp {

net::RouteOptions owner_route(Context& context) {
  net::RouteOptions options;
  options.authenticate = [&context](const net::ServerRequest& request) -> net::Task<Result<std::string>> {
    auto token = identity::bearer_token(request.headers);
    if (!token) co_return tl::unexpected(token.error());
    const auto person = co_await context.owners.verify(*std::move(token), request.client);
    if (!person) co_return tl::unexpected(person.error());
    co_return person->login;
  };
  return options;
}

}  // namespace dd::cp
