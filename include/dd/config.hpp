// Configuration variables: each declared once with its type, default and description. The same declaration reads the
// environment, prints --help and fills the table in docs/configuration.md.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dd/error.hpp"
#include "dd/secret.hpp"

namespace dd {

/// Whether a variable decides whom or what its program believes, or what a name resolves to there. Each says so, or it cannot be declared.
enum class Trust {
  none,  // it does not
  setting,  // it does; of an agent and of the runtime, the policy's rule `trust_settings` names it unless it has its default
  rule  // it does, and a rule of its own, or the event that it becomes, says so
};

/// Whether a variable may stay unset.
enum class Presence { optional, required };

/// Declared variables and where their values go. The value that a target has when it is declared is the default.
/// Targets are borrowed and must outlive the Config. Not thread-safe; used once, at start.
class Config {
 public:
  /// What --help and the documentation say of one variable.
  struct Variable {
    std::string name;
    Trust trust = Trust::none;
    std::string type;  // "text", "port", "integer", "duration", "boolean", "path", "secret", "list", "argv", or "a|b|c"
    std::string default_text;
    std::string description;
    Presence presence = Presence::optional;
  };
  using Lookup = std::function<std::optional<std::string>(const std::string& name)>;
  using Check = std::function<Result<void>(std::string_view value)>;

  Config();
  ~Config();
  Config(const Config&) = delete;
  Config& operator=(const Config&) = delete;

  void text(std::string name, Trust trust, std::string& target, std::string description,
            Presence presence = Presence::optional, Check check = {});
  /// 0..65535; 0 means "any free port".
  void port(std::string name, Trust trust, std::uint16_t& target, std::string description,
            Presence presence = Presence::optional);
  void integer(std::string name, Trust trust, std::int64_t& target, std::int64_t least, std::int64_t most,
               std::string description);
  /// "500ms", "10s", "5m", "2h"; a bare number is seconds, as the earlier system had it. More than zero.
  void duration(std::string name, Trust trust, std::chrono::milliseconds& target, std::string description);
  /// "true", "false", "1", "0", "yes", "no", "on", "off".
  void boolean(std::string name, Trust trust, bool& target, std::string description);
  void path(std::string name, Trust trust, std::filesystem::path& target, std::string description,
            Presence presence = Presence::optional);
  /// Also declares `<name>_FILE`: the path of a file that holds the secret (white space around it is cut). Both set is an error.
  void secret(std::string name, Trust trust, Secret& target, std::string description,
              Presence presence = Presence::optional);
  /// Comma-separated; blanks and empty items are left out.
  void list(std::string name, Trust trust, std::vector<std::string>& target, std::string description);
  /// A JSON array of at least one text: a command with its arguments.
  void argv(std::string name, Trust trust, std::vector<std::string>& target, std::string description);
  /// One of `values`, which stand in the order of the enumerators of E.
  template <class E>
  void choice(std::string name, Trust trust, E& target, std::vector<std::string> values, std::string description) {
    add_choice(std::move(name), trust, static_cast<std::size_t>(target), std::move(values), std::move(description),
               [&target](std::size_t position) { target = static_cast<E>(position); });
  }

  /// Reads every declared variable through `lookup` and writes the targets, those that are good also when others are not.
  /// An empty value counts as unset. Other variables are not looked at.
  /// Errors: invalid_argument that names the variable, the offending value (never a secret's) and what was expected;
  /// all problems at once, one a line.
  [[nodiscard]] Result<void> load(const Lookup& lookup) const;
  /// load() from the process environment. The only place that reads it.
  [[nodiscard]] Result<void> load_environment() const;

  [[nodiscard]] const std::vector<Variable>& variables() const noexcept;
  /// Aligned text for --help.
  [[nodiscard]] std::string help() const;
  /// Rows of a Markdown table: name, type, default, meaning.
  [[nodiscard]] std::string markdown() const;

 private:
  struct Entry;
  void add_choice(std::string name, Trust trust, std::size_t position, std::vector<std::string> values,
                  std::string description, std::function<void(std::size_t)> assign);
  void add(Variable variable, std::function<Result<void>(std::string_view)> assign);
  void declare(Variable variable, std::function<Result<bool>(const Lookup&)> read);

  std::vector<Variable> variables_;
  std::vector<Entry> entries_;
};

}  // namespace dd
