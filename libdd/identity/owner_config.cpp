#include "libdd/identity/owner_config.hpp"

namespace dd::identity {

void declare_owner(Config& config, Owner& owner) {
  config.text("DD_OWNER", Trust::rule, owner.login, "GitHub login of the fleet's owner, or owner/repo",
              Presence::required);
  config.integer("DD_OWNER_ID", Trust::rule, owner.id, 1, (std::int64_t{1} << 53) - 1,
                 "numeric GitHub id of the owner; a login can be renamed and taken by someone else");
  config.choice("DD_OWNER_KIND", Trust::rule, owner.kind, {"user", "org", "repo"}, "what DD_OWNER is");
}

Result<void> check_owner(const Owner& owner) {
  const auto refuse = [](const char* what) { return fail(ErrorCode::invalid_argument, what); };
  if (owner.login.empty()) return refuse("cannot use owner: DD_OWNER is empty");
  if (owner.id < 1) return refuse("cannot use owner: DD_OWNER_ID is not set, want the numeric GitHub id");
  const bool slash = owner.login.find('/') != std::string::npos;
  if (slash != (owner.kind == OwnerKind::repository))
    return refuse("cannot use owner: DD_OWNER has the form owner/repo exactly when DD_OWNER_KIND is repo");
  return {};
}

}  // namespace dd::identity
