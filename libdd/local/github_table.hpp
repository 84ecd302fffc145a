// Users, organisations, repositories and tokens of the local identity provider, and what GitHub would say of them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "libdd/net/http_server.hpp"

namespace dd::local {

struct GithubUser {
  std::string login;
  std::int64_t id = 0;
  std::vector<std::string> tokens;
};

struct GithubMember {
  std::string login;
  std::string role = "member";   // admin, member, billing_manager
  std::string state = "active";  // active, pending
};

struct GithubOrganisation {
  std::string login;
  std::int64_t id = 0;
  std::vector<GithubMember> members;
};

enum class Visibility { public_to_all, private_to_writers };

struct GithubRepository {
  std::string full_name;  // "owner/repo"
  std::int64_t id = 0;
  Visibility visibility = Visibility::public_to_all;
  std::vector<std::string> writers;          // logins that may push
  std::vector<std::string> workflow_tokens;  // like GITHUB_TOKEN: may push here, and no user stands behind them
};

/// Plain value. Names compare without case, as at GitHub.
struct GithubTable {
  std::vector<GithubUser> users;
  std::vector<GithubOrganisation> organisations;
  std::vector<GithubRepository> repositories;
};

/// GET /user. `token` is "" for a request without one.
[[nodiscard]] net::ServerResponse answer_user(const GithubTable& table, std::string_view token);
/// GET /user/memberships/orgs/{organisation}.
[[nodiscard]] net::ServerResponse answer_membership(const GithubTable& table, std::string_view token,
                                                    std::string_view organisation);
/// GET /repos/{owner}/{repo}. A public one is answered to everybody, also without a token; only a user's token gets `permissions`.
[[nodiscard]] net::ServerResponse answer_repository(const GithubTable& table, std::string_view token,
                                                    std::string_view full_name);
/// GET /users/{login}, which knows organisations too.
[[nodiscard]] net::ServerResponse answer_account(const GithubTable& table, std::string_view token,
                                                 std::string_view login);

/// An error in GitHub's form.
[[nodiscard]] net::ServerResponse github_error(int status, std::string_view message);

}  // namespace dd::local
