#include "libdd/local/github_table.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "libdd/core/json.hpp"
#include "libdd/net/ascii.hpp"

namespace dd::local {
namespace {

using net::same_ignoring_case;

template <class Range, class Predicate>
auto* find_where(Range& range, Predicate predicate) {
  const auto found = std::ranges::find_if(range, predicate);
  return found == range.end() ? nullptr : &*found;
}

bool contains(const std::vector<std::string>& tokens, std::string_view token) {
  return std::ranges::find(tokens, token) != tokens.end();
}

bool contains_login(const std::vector<std::string>& logins, std::string_view login) {
  return std::ranges::any_of(logins, [login](const auto& other) { return same_ignoring_case(other, login); });
}

/// Who a token is: a user, a workflow of a repository, or nobody known.
struct Caller {
  const GithubUser* user = nullptr;
  const GithubRepository* workflow_of = nullptr;
  [[nodiscard]] bool known() const { return user != nullptr || workflow_of != nullptr; }
};

Caller caller_of(const GithubTable& table, std::string_view token) {
  return {find_where(table.users, [token](const auto& user) { return contains(user.tokens, token); }),
          find_where(table.repositories,
                     [token](const auto& repository) { return contains(repository.workflow_tokens, token); })};
}

net::ServerResponse ok(const Json& body) { return net::json_response(to_text(body)); }
net::ServerResponse bad_credentials() { return github_error(401, "Bad credentials"); }
net::ServerResponse not_accessible() { return github_error(403, "Resource not accessible by integration"); }

Json account(const std::string& login, std::int64_t id, const char* type) {
  return {{"login", login}, {"id", id}, {"type", type}};
}

}  // namespace

net::ServerResponse github_error(int status, std::string_view message) {
  return net::json_response(to_text(Json{{"message", message}, {"status", std::to_string(status)}}), status);
}

net::ServerResponse answer_user(const GithubTable& table, std::string_view token) {
  if (token.empty()) return github_error(401, "Requires authentication");
  const auto caller = caller_of(table, token);
  if (!caller.known()) return bad_credentials();
  if (caller.user == nullptr) return not_accessible();
  return ok(account(caller.user->login, caller.user->id, "User"));
}

net::ServerResponse answer_membership(const GithubTable& table, std::string_view token, std::string_view organisation) {
  if (token.empty()) return github_error(401, "Requires authentication");
  const auto caller = caller_of(table, token);
  if (!caller.known()) return bad_credentials();
  if (caller.user == nullptr) return not_accessible();
  const auto* found = find_where(table.organisations,
                                 [organisation](const auto& o) { return same_ignoring_case(o.login, organisation); });
  if (found == nullptr) return github_error(404, "Not Found");
  const auto* member =
      find_where(found->members, [&caller](const auto& m) { return same_ignoring_case(m.login, caller.user->login); });
  if (member == nullptr) return github_error(403, "You must be a member of this organization");
  return ok({{"state", member->state},
             {"role", member->role},
             {"organization", {{"login", found->login}, {"id", found->id}}},
             {"user", account(caller.user->login, caller.user->id, "User")}});
}

net::ServerResponse answer_repository(const GithubTable& table, std::string_view token, std::string_view full_name) {
  const auto caller = caller_of(table, token);
  if (!token.empty() && !caller.known()) return bad_credentials();
  const auto* found =
      find_where(table.repositories, [full_name](const auto& r) { return same_ignoring_case(r.full_name, full_name); });
  const bool writes =
      found != nullptr &&
      ((caller.user != nullptr && contains_login(found->writers, caller.user->login)) || caller.workflow_of == found);
  // A private repository is hidden, not forbidden.
  if (found == nullptr || (found->visibility == Visibility::private_to_writers && !writes))
    return github_error(404, "Not Found");
  Json body = {{"id", found->id},
               {"full_name", found->full_name},
               {"private", found->visibility == Visibility::private_to_writers}};
  if (caller.known())
    body["permissions"] = {{"admin", false}, {"maintain", false}, {"push", writes}, {"triage", writes}, {"pull", true}};
  return ok(body);
}

net::ServerResponse answer_account(const GithubTable& table, std::string_view token, std::string_view login) {
  if (!token.empty() && !caller_of(table, token).known()) return bad_credentials();
  const auto is_named = [login](const auto& entry) { return same_ignoring_case(entry.login, login); };
  if (const auto* user = find_where(table.users, is_named)) return ok(account(user->login, user->id, "User"));
  if (const auto* organisation = find_where(table.organisations, is_named))
    return ok(account(organisation->login, organisation->id, "Organization"));
  return github_error(404, "Not Found");
}

}  // namespace dd::local
