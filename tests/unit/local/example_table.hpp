// Alice owns, Bob was invited, Mallory is a stranger.
#pragma once

#include "libdd/local/github_table.hpp"

namespace dd::local {

inline GithubTable example_table() {
  GithubTable table;
  table.users = {{"alice", 7, {"ghp_alice"}}, {"bob", 8, {"ghp_bob"}}, {"mallory", 66, {"ghp_mallory"}}};
  table.organisations = {{"acme", 40, {{"alice", "admin", "active"}, {"bob", "member", "pending"}}}};
  table.repositories = {{"acme/fleet", 900, Visibility::public_to_all, {"alice"}, {"workflow-of-fleet"}},
                        {"acme/secret", 901, Visibility::private_to_writers, {"alice"}, {}}};
  return table;
}

}  // namespace dd::local
