#include "libdd/cp/github_sign_in.hpp"

#include "dd/log.hpp"
#include "libdd/identity/cookie.hpp"
#include "libdd/identity/local_path.hpp"
#include "libdd/web/sign_in_page.hpp"

namespace dd::cp {
namespace {

constexpr std::string_view kCookie = "dd_github";
constexpr std::chrono::seconds kCookieLife{600};
constexpr const char* kCallback = "/auth/github/callback";

identity::GithubApp app_of(const Context& context) {
  identity::GithubApp app;
  app.web_url = context.options.github_web_url;
  app.api_url = context.options.github_api_url;
  app.client_id = context.options.github_client_id;
  app.client_secret = context.options.github_client_secret;
  app.callback_url = context.origin + kCallback;
  return app;
}

}  // namespace

GithubSignIn::GithubSignIn(Context& context, People& people, identity::FailureLimit& failures,
                           std::shared_ptr<HttpTransport> transport)
    : context_(context),
      people_(people),
      failures_(failures),
      github_(std::move(transport), app_of(context), context.options.owner, context.clock, context.random) {}

void GithubSignIn::add_routes(net::Router& router) {
  if (context_.options.github_client_id.empty()) return;
  router.add("GET", "/auth/github/start", [this](const net::ServerRequest& request) { return start(request); });
  router.add("GET", kCallback, [this](const net::ServerRequest& request) { return callback(request); });
}

net::Task<Result<net::ServerResponse>> GithubSignIn::start(const net::ServerRequest& request) {
  const auto cookies = identity::Cookies::of_origin(context_.origin);
  if (!cookies) co_return tl::unexpected(cookies.error());
  auto detour = github_.begin(identity::local_path(request.query_value("next").value_or("/")));
  auto response = web::redirect(std::move(detour.location));
  response.headers.add("Set-Cookie", cookies->set(kCookie, detour.cookie, kCookieLife));
  co_return response;
}

net::Task<Result<net::ServerResponse>> GithubSignIn::callback(const net::ServerRequest& request) {
  auto response = co_await sign_in(request);
  if (response) co_return response;
  web::SignInView view;
  view.next = "/";
  view.error = response.error().message;
  view.status = http_status(response.error().code);
  view.github = true;
  co_return web::answer(web::sign_in_page(view));
}

net::Task<Result<net::ServerResponse>> GithubSignIn::sign_in(const net::ServerRequest& request) {
  const auto cookies = identity::Cookies::of_origin(context_.origin);
  if (!cookies) co_return tl::unexpected(cookies.error());
  const auto& client = request.client;
  const auto now = context_.clock.unix_seconds();
  if (auto allowed = failures_.begin(client, now); !allowed) co_return tl::unexpected(std::move(allowed).error());
  const auto kept = cookies->find_all(request.headers, kCookie);
  identity::GithubReturn back{request.query_value("code").value_or(""), request.query_value("state").value_or(""),
                              request.query_value("error").value_or("")};
  auto arrival = github_.arrive(std::move(back), kept);
  // What this browser did not begin is not its failure: any page could have it locked out.
  if (!arrival && arrival.error().code == ErrorCode::unauthenticated) failures_.forgive(client);
  if (!arrival) co_return tl::unexpected(std::move(arrival).error());
  auto next = identity::local_path(arrival->next);
  auto person = co_await github_.finish(*std::move(arrival));
  if (!person) co_return tl::unexpected(std::move(person).error());
  failures_.forgive(client);
  log::info("signed in", {{"who", person->login}, {"by", "GitHub"}});
  identity::SignInGrounds grounds{*std::move(person), {}, {}, std::nullopt};
  auto signed_in = co_await people_.sign_in(std::move(grounds), request.headers);
  if (!signed_in) co_return tl::unexpected(std::move(signed_in).error());
  // The code is in this URL: the answer leads away from it.
  auto response = web::redirect(std::move(next));
  web::add_cookies(response, *std::move(signed_in));
  response.headers.add("Set-Cookie", cookies->clear(kCookie));
  co_return response;
}

}  // namespace dd::cp
