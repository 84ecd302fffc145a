// Baking: a workload's JSON, or a template of one, becomes the compact text that a boot configuration or `POST /deploy` takes.
// It fills in and checks; it reads no file and no environment.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dd/error.hpp"

namespace dd {

/// A variable's value by its name; none when it is not set. Borrowed for the call.
using VariableLookup = std::function<std::optional<std::string>(std::string_view name)>;

/// What `${NAME}` becomes when NAME is not set.
enum class Unset { empty, refuse };

struct Baked {
  /// Compact JSON, members in the order of the template. Holds the variables' values, so it may be secret.
  std::string text;
  /// Members that the runtime does not know, by name.
  std::vector<std::string> unknown;
};

/// A finished workload: checked as a DeployRequest (one with `role` or `inherit_token` as a boot workload), printed compact, nothing filled in.
/// Errors: as parse_deploy_request.
[[nodiscard]] Result<Baked> bake_workload(std::string_view text);

/// A template: `${NAME}`, NAME made of A-Z, 0-9 and _ and not starting with a digit, is replaced inside string values; every other
/// dollar belongs to a shell and stays. It is replaced after parsing, so a value cannot end its string and become JSON, and once, so
/// a value that looks like `${NAME}` stays as it is. Entries of `env` that then are not NAME=VALUE with a value are left out: an optional
/// setting is one that may be unset. The outcome is checked as bake_workload does.
/// Errors: as parse_deploy_request; not_found for a name that is not set under Unset::refuse; invalid_argument for a value that is not
/// UTF-8. No message quotes a value.
[[nodiscard]] Result<Baked> bake_template(std::string_view text, const VariableLookup& variables, Unset unset);

}  // namespace dd
