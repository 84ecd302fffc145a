// The pages on the way in: the form, the one-time link, and the hand-off to an agent.
#pragma once

#include <string>

#include "libdd/web/page.hpp"

namespace dd::web {

struct SignInView {
  std::string next;   // a path of ours
  std::string error;  // why the last attempt failed, or empty
  int status = 200;
  bool github = false;  // whether signing in at GitHub is set up
};
[[nodiscard]] Page sign_in_page(const SignInView& view);

/// When a browser sends sessions of several people. `target` is where its visitor wanted to go, a path of ours.
[[nodiscard]] Page conflict_page(std::string_view why, std::string_view target);

/// The code of the URL goes on by POST alone: whoever fetches links ahead of a click does not use it up.
[[nodiscard]] Page link_page(std::string_view code);

struct HandoffView {
  std::string agent;      // how a person calls it
  std::string origin;     // of the agent
  std::string statement;  // dd-handoff+jwt
  std::string next;       // a path of the agent's
};
/// Posts itself by script; the button is for those without.
[[nodiscard]] Page handoff_page(const HandoffView& view);

/// After signing out at an agent: the sign-in at the control plane is another thing.
[[nodiscard]] Page signed_out_page(std::string_view control_plane);

}  // namespace dd::web
