#include "libdd/cp/sign_in_api.hpp"

#include <nlohmann/json.hpp>

#include "dd/log.hpp"
#include "libdd/core/json.hpp"
#include "libdd/identity/local_path.hpp"
#include "libdd/identity/request_origin.hpp"
#include "libdd/web/sign_in_page.hpp"

namespace dd::cp {
namespace {

constexpr std::size_t kMaxForm = 16 * 1024;

net::RouteOptions small() {
  net::RouteOptions options;
  options.max_body = kMaxForm;
  return options;
}

}  // namespace

void SignInApi::add_routes(net::Router& router) {
  auto owner = small();
  owner.authenticate = people_.owner_only();
  router.add("GET", "/auth/pat", [this](const net::ServerRequest& request) -> net::Task<Result<net::ServerResponse>> {
    co_return form_page(request);
  });
  router.add("POST", "/auth/pat", [this](const net::ServerRequest& request) { return by_pat(request); }, small());
  router.add("POST", "/auth/link", [this](const net::ServerRequest& request) { return make_link(request); }, owner);
  router.add("GET", "/auth/link", [](const net::ServerRequest& request) -> net::Task<Result<net::ServerResponse>> {
    co_return web::answer(web::link_page(request.query_value("code").value_or("")));
  });
  router.add("POST", "/auth/link/use", [this](const net::ServerRequest& request) { return by_link(request); }, small());
  router.add("POST", "/auth/logout", [this](const net::ServerRequest& request) { return logout(request); }, small());
}

net::ServerResponse SignInApi::form_page(const net::ServerRequest& request) const {
  web::SignInView view;
  view.next = identity::local_path(request.query_value("next").value_or("/"));
  view.github = offers_github();
  return web::answer(web::sign_in_page(view));
}

Result<net::Form> SignInApi::form_in(const net::ServerRequest& request) const {
  if (auto ours = identity::check_request_origin(request.headers, context_.origin); !ours)
    return tl::unexpected(std::move(ours).error());
  return net::Form::parse(request);
}

net::Task<Result<net::ServerResponse>> SignInApi::by_pat(const net::ServerRequest& request) {
  const auto form = form_in(request);
  if (!form) co_return refuse(form.error(), "/");
  auto next = identity::local_path(form->value("next"));
  auto token = identity::typed_token(form->value("pat"));
  if (!token) co_return refuse(token.error(), std::move(next));
  const auto& client = request.client;
  const auto allowed = failures_.begin(client, context_.clock.unix_seconds());
  if (!allowed) co_return refuse(allowed.error(), std::move(next));
  auto shown = *token;
  auto person = co_await context_.owners.verify(std::move(shown), client);
  // It counts when it was about who somebody is, not when GitHub was down.
  if (person || !is_refusal(person.error())) failures_.forgive(client);
  if (!person) co_return refuse(person.error(), std::move(next));
  identity::SignInGrounds grounds{*std::move(person), *std::move(token), {}, std::nullopt};
  co_return co_await welcome(request, std::move(grounds), std::move(next));
}

net::Task<Result<net::ServerResponse>> SignInApi::make_link(const net::ServerRequest& request) {
  auto visitor = co_await people_.who(request.method, request.headers, request.client);
  if (!visitor) co_return tl::unexpected(std::move(visitor).error());
  auto grounds = grounds_of(*visitor);
  if (!grounds) co_return tl::unexpected(std::move(grounds).error());
  const auto code = links_.make(*std::move(grounds), context_.clock.unix_seconds());
  if (!code) co_return tl::unexpected(code.error());
  log::info("sign-in link made", {{"by", request.principal}});
  const protocol::LinkAnswer answer{context_.origin + "/auth/link?code=" + *code, identity::SignInLinks::kLife};
  co_return net::json_response(to_text(protocol::to_json_value(answer)));
}

net::Task<Result<net::ServerResponse>> SignInApi::by_link(const net::ServerRequest& request) {
  const auto form = form_in(request);
  if (!form) co_return refuse(form.error(), "/");
  const auto now = context_.clock.unix_seconds();
  const auto& client = request.client;
  if (const auto allowed = failures_.begin(client, now); !allowed) co_return refuse(allowed.error(), "/");
  auto grounds = links_.use(form->value("code"), now);
  if (!grounds) co_return refuse(grounds.error(), "/");
  failures_.forgive(client);
  // The link may be ten minutes old, and what it rests on revoked since.
  if (!grounds->token.empty()) {
    auto token = grounds->token;
    const auto person = co_await context_.owners.verify(std::move(token), client);
    // What GitHub does not answer ends nothing.
    if (!person && is_refusal(person.error())) co_return refuse(person.error(), "/");
  }
  co_return co_await welcome(request, *std::move(grounds), "/");
}

net::Task<Result<net::ServerResponse>> SignInApi::logout(const net::ServerRequest& request) {
  auto response = web::redirect("/auth/pat");
  if (request.headers.find("Authorization") != nullptr) co_return response;
  if (auto ours = identity::check_request_origin(request.headers, context_.origin); !ours)
    co_return people_.turn_away(request, ours.error());
  people_.sign_out(response, request.headers);
  co_return response;
}

net::Task<Result<net::ServerResponse>> SignInApi::welcome(const net::ServerRequest& request,
                                                          identity::SignInGrounds grounds, std::string next) {
  const auto login = grounds.person.login;
  auto cookies = co_await people_.sign_in(std::move(grounds), request.headers);
  const auto is_told = [](ErrorCode code) {
    return code == ErrorCode::unauthenticated || code == ErrorCode::rate_limited || code == ErrorCode::unavailable;
  };
  if (!cookies && is_told(cookies.error().code)) co_return refuse(cookies.error(), std::move(next));
  if (!cookies) co_return tl::unexpected(std::move(cookies).error());
  log::info("signed in", {{"who", login}});
  auto response = web::redirect(std::move(next));
  web::add_cookies(response, *std::move(cookies));
  co_return response;
}

net::ServerResponse SignInApi::refuse(const Error& why, std::string next) const {
  web::SignInView view;
  view.next = std::move(next);
  view.error = why.message;
  view.status = http_status(why.code);
  view.github = offers_github();
  return web::answer(web::sign_in_page(view));
}

}  // namespace dd::cp
