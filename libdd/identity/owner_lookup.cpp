#include "libdd/identity/owner_lookup.hpp"

#include <chrono>
#include <utility>

#include <nlohmann/json.hpp>

#include "dd/log.hpp"
#include "libdd/core/json.hpp"
#include "libdd/identity/github_answer.hpp"
#include "libdd/net/error_body.hpp"
#include "libdd/net/http_client.hpp"
#include "libdd/net/url.hpp"

namespace dd::identity {
namespace {

constexpr std::chrono::milliseconds kDeadline{10'000};

}  // namespace

Result<Owner> look_up_owner(HttpTransport& transport, const std::string& api_url, Owner owner) {
  const auto slash = owner.login.find('/');
  const bool repository = slash != std::string::npos;
  const auto path = repository ? "/repos/" + net::percent_encode(owner.login.substr(0, slash)) + "/" +
                                     net::percent_encode(owner.login.substr(slash + 1))
                               : "/users/" + net::percent_encode(owner.login);
  HttpRequest request;
  request.url = api_url + path;
  request.headers.set("Accept", "application/vnd.github+json");
  request.headers.set("X-GitHub-Api-Version", "2022-11-28");
  request.headers.set("User-Agent", "libdd/" DD_VERSION);
  request.deadline = kDeadline;
  const auto response = net::send_blocking(transport, std::move(request));
  if (!response) return wrap(response.error(), "cannot look up owner " + owner.login);
  if (response->status == 404)
    return fail(ErrorCode::not_found, "cannot look up owner " + owner.login + ": GitHub knows none of that name");
  if (response->status != 200) return wrap(net::error_from(*response), "cannot look up owner " + owner.login);
  const auto value = parse_json(response->body);
  if (!value) return fail(ErrorCode::upstream, "cannot look up owner " + owner.login + ": " + value.error().message);
  ObjectReader reader(*value, "$");
  owner.id = reader.integer("id", 1, kLargestGithubId);
  const auto type = repository ? std::string() : reader.text("type");
  if (reader.error())
    return fail(ErrorCode::upstream, "cannot look up owner " + owner.login + ": " + reader.error()->message);
  owner.kind = repository ? OwnerKind::repository : type == "Organization" ? OwnerKind::organisation : OwnerKind::user;
  return owner;
}

Result<void> complete_owner(HttpTransport& transport, const std::string& api_url, Owner& owner) {
  if (owner.id != 0) return {};
  auto found = look_up_owner(transport, api_url, owner);
  if (!found) return tl::unexpected(found.error());
  log::warning("the owner was looked up by login, which can change hands: set DD_OWNER_ID",
               {{"login", found->login}, {"id", found->id}});
  owner = *std::move(found);
  return {};
}

}  // namespace dd::identity
