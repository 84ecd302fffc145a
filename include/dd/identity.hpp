// Who a fleet belongs to, and who has proven to act for it.
#pragma once

#include <cstdint>
#include <string>

namespace dd {

enum class OwnerKind { user, organisation, repository };

/// The fleet's owner at GitHub. Compared by numeric id; a login can be renamed and taken by someone else.
struct Owner {
  std::string login;  // or "owner/repo"
  std::int64_t id = 0;
  OwnerKind kind = OwnerKind::user;
  bool operator==(const Owner&) const = default;
};

/// A person who was proven to act for the owner.
struct Principal {
  std::string login;
  std::int64_t id = 0;
  std::string role;  // owner, admin, member, push
};

}  // namespace dd
