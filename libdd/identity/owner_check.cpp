#include "libdd/identity/owner_check.hpp"

#include <chrono>
#include <optional>
#include <utility>

#include <nlohmann/json.hpp>

#include "libdd/core/json.hpp"
#include "libdd/identity/github_answer.hpp"
#include "libdd/net/ascii.hpp"
#include "libdd/net/http_client.hpp"
#include "libdd/net/url.hpp"

namespace dd::identity {
namespace {

constexpr std::chrono::milliseconds kCallDeadline{5'000};
constexpr std::size_t kLongestUserAnswer = 256 * 1024;
/// A renamed repository redirects on the same host; the id in its answer is still checked.
constexpr int kRedirects = 2;
constexpr TextRule kName{1, 255};

/// An account or a repository: its id stays when its name goes to somebody else.
struct Named {
  std::string name;
  std::int64_t id = 0;
};

Named read_named(ObjectReader& reader, const char* name_member) {
  Named out;
  out.name = reader.text(name_member, kName);
  out.id = reader.integer("id", 1, kLargestGithubId);
  return out;
}

tl::unexpected<Error> unreadable(const Error& error, const char* call) {
  return fail(ErrorCode::upstream, "cannot check token with " + std::string(call) + ": " + error.message);
}

tl::unexpected<Error> refuse_user(const std::string& problem) {
  return fail(ErrorCode::permission_denied, "cannot accept token: " + problem);
}

Result<Named> read_user(const Json& body) {
  ObjectReader reader(body, "$");
  auto user = read_named(reader, "login");
  if (reader.error()) return unreadable(*reader.error(), "GET /user");
  return user;
}

struct Membership {
  std::string state;
  std::string role;
  Named organisation;
  Named user;
};

Result<Membership> read_membership(const Json& body) {
  ObjectReader reader(body, "$");
  Membership out;
  out.state = reader.text("state", kName);
  out.role = reader.text("role", kName);
  const auto* organisation = reader.object("organization");
  const auto* user = reader.object("user");
  if (reader.error()) return unreadable(*reader.error(), "GET /user/memberships/orgs");
  ObjectReader organisation_reader(*organisation, "$.organization");
  ObjectReader user_reader(*user, "$.user");
  out.organisation = read_named(organisation_reader, "login");
  out.user = read_named(user_reader, "login");
  if (organisation_reader.error()) return unreadable(*organisation_reader.error(), "GET /user/memberships/orgs");
  if (user_reader.error()) return unreadable(*user_reader.error(), "GET /user/memberships/orgs");
  return out;
}

/// `permissions` is absent when no user stands behind the token; then nothing is granted.
bool may_push(const Json& repository) {
  const auto permissions = repository.find("permissions");
  if (permissions == repository.end() || !permissions->is_object()) return false;
  for (const auto* name : {"push", "maintain", "admin"}) {
    const auto granted = permissions->find(name);
    if (granted != permissions->end() && granted->is_boolean() && granted->get<bool>()) return true;
  }
  return false;
}

}  // namespace

OwnerCheck::OwnerCheck(std::shared_ptr<HttpTransport> transport, std::string api_url, Owner owner)
    : transport_(std::move(transport)), api_url_(std::move(api_url)), owner_(std::move(owner)) {
  while (api_url_.ends_with('/')) api_url_.pop_back();
}

bool OwnerCheck::is_owner(std::int64_t id, const std::string& name) const {
  return owner_.id != 0 ? id == owner_.id : net::same_ignoring_case(name, owner_.login);
}

net::Task<Result<Principal>> OwnerCheck::ask(Secret token) {
  switch (owner_.kind) {
    case OwnerKind::user:
      co_return co_await ask_user(std::move(token));
    case OwnerKind::organisation:
      co_return co_await ask_membership(std::move(token));
    case OwnerKind::repository:
      co_return co_await ask_repository(std::move(token));
  }
  co_return fail(ErrorCode::internal, "cannot check token: unknown kind of owner");
}

net::Task<Result<Principal>> OwnerCheck::ask_user(Secret token) {
  const auto body = co_await get("/user", std::move(token));
  if (!body) co_return tl::unexpected(body.error());
  auto user = read_user(*body);
  if (!user) co_return tl::unexpected(std::move(user).error());
  if (!is_owner(user->id, user->name))
    co_return refuse_user("user \"" + user->name + "\" is not the owner \"" + owner_.login + "\"");
  co_return Principal{std::move(user->name), user->id, "owner"};
}

net::Task<Result<Principal>> OwnerCheck::ask_membership(Secret token) {
  auto path = "/user/memberships/orgs/" + net::percent_encode(owner_.login);
  const auto body = co_await get(std::move(path), std::move(token));
  if (!body) co_return tl::unexpected(body.error());
  auto membership = read_membership(*body);
  if (!membership) co_return tl::unexpected(std::move(membership).error());
  if (!is_owner(membership->organisation.id, membership->organisation.name))
    co_return refuse_user("organisation \"" + membership->organisation.name + "\" has another id than the owner's");
  if (membership->state != "active")
    co_return refuse_user("membership of \"" + owner_.login + "\" is " + membership->state + ", want active");
  if (membership->role != "admin" && membership->role != "member")
    co_return refuse_user("role " + membership->role + " in \"" + owner_.login + "\", want admin or member");
  co_return Principal{std::move(membership->user.name), membership->user.id, std::move(membership->role)};
}

net::Task<Result<Principal>> OwnerCheck::ask_repository(Secret token) {
  // First the person: a workflow's token may push too, and has none (workflows prove themselves by OIDC).
  const auto user_body = co_await get("/user", token);
  if (!user_body) co_return tl::unexpected(user_body.error());
  auto user = read_user(*user_body);
  if (!user) co_return tl::unexpected(std::move(user).error());

  const auto slash = owner_.login.find('/');
  if (slash == std::string::npos)
    co_return fail(ErrorCode::invalid_argument,
                   "cannot check token: owner \"" + owner_.login + "\" is no \"owner/repo\"");
  auto path = "/repos/" + net::percent_encode(owner_.login.substr(0, slash)) + "/" +
              net::percent_encode(owner_.login.substr(slash + 1));
  const auto body = co_await get(std::move(path), std::move(token));
  if (!body) co_return tl::unexpected(body.error());
  ObjectReader reader(*body, "$");
  const auto repository = read_named(reader, "full_name");
  if (reader.error()) co_return unreadable(*reader.error(), "GET /repos");
  if (!is_owner(repository.id, repository.name))
    co_return refuse_user("repository \"" + repository.name + "\" has another id than the owner's");
  if (!may_push(*body))
    co_return refuse_user("user \"" + user->name + "\" may not push to \"" + repository.name + "\"");
  co_return Principal{std::move(user->name), user->id, "push"};
}

net::Task<Result<Json>> OwnerCheck::get(std::string path, Secret token) {
  HttpRequest request;
  request.url = api_url_ + path;
  request.headers.set("Authorization", "Bearer " + std::string(token.reveal()));
  request.headers.set("Accept", "application/vnd.github+json");
  request.headers.set("X-GitHub-Api-Version", "2022-11-28");
  request.headers.set("User-Agent", "libdd/" DD_VERSION);  // without one GitHub answers 403
  request.deadline = kCallDeadline;
  request.max_response_bytes = kLongestUserAnswer;
  request.max_redirects = kRedirects;
  const auto call = "GET " + path;
  const auto response = co_await net::send(*transport_, std::move(request));
  if (!response)
    co_return fail(ErrorCode::unavailable, "cannot check token with " + call + ": " + response.error().message);
  co_return read_github_answer(*response, call);
}

}  // namespace dd::identity
