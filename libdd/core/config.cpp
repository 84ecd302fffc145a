#include "dd/config.hpp"

#include <stdlib.h>

#include <cassert>
#include <utility>

#include "libdd/core/config_values.hpp"
#include "libdd/core/environment.hpp"
#include "libdd/core/secret_file.hpp"

namespace dd {
namespace {

constexpr std::string_view kFileSuffix = "_FILE";

tl::unexpected<Error> refuse_setting(const std::string& name, const std::string& problem) {
  return fail(ErrorCode::invalid_argument, "cannot read " + name + ": " + problem);
}

// An empty value counts as unset: compose files and unit files write NAME= for "not given".
std::optional<std::string> look_up(const Config::Lookup& lookup, const std::string& name) {
  auto value = lookup(name);
  return value && value->empty() ? std::nullopt : std::move(value);
}

std::string quoted(std::string_view value) { return "\"" + std::string(value) + "\""; }

std::string wanted(std::string_view value, const std::string& expected) { return quoted(value) + ", want " + expected; }

}  // namespace

// How one declared variable is read. A secret's two names make one entry.
struct Config::Entry {
  std::string name;
  Presence presence;
  std::function<Result<bool>(const Lookup&)> read;  // whether it was set
};

Config::Config() = default;
Config::~Config() = default;

void Config::declare(Variable variable, std::function<Result<bool>(const Lookup&)> read) {
  for ([[maybe_unused]] const auto& other : variables_)
    assert(other.name != variable.name && "a variable is declared once");
  entries_.push_back(Entry{variable.name, variable.presence, std::move(read)});
  variables_.push_back(std::move(variable));
}

void Config::add(Variable variable, std::function<Result<void>(std::string_view)> assign) {
  auto read = [name = variable.name, assign = std::move(assign)](const Lookup& lookup) -> Result<bool> {
    const auto value = look_up(lookup, name);
    if (!value) return false;
    if (const auto assigned = assign(*value); !assigned) return refuse_setting(name, assigned.error().message);
    return true;
  };
  declare(std::move(variable), std::move(read));
}

void Config::text(std::string name, Trust trust, std::string& target, std::string description, Presence presence,
                  Check check) {
  add({std::move(name), trust, "text", target, std::move(description), presence},
      [&target, check = std::move(check)](std::string_view value) -> Result<void> {
        if (check)
          if (const auto good = check(value); !good)
            return fail(good.error().code, quoted(value) + ", " + good.error().message);
        target = value;
        return {};
      });
}

void Config::port(std::string name, Trust trust, std::uint16_t& target, std::string description, Presence presence) {
  add({std::move(name), trust, "port", std::to_string(target), std::move(description), presence},
      [&target](std::string_view value) -> Result<void> {
        const auto number = config_values::integer(value);
        if (!number || *number < 0 || *number > 65535)
          return fail(ErrorCode::invalid_argument, wanted(value, "a port in 0..65535"));
        target = static_cast<std::uint16_t>(*number);
        return {};
      });
}

void Config::integer(std::string name, Trust trust, std::int64_t& target, std::int64_t least, std::int64_t most,
                     std::string description) {
  add({std::move(name), trust, "integer", std::to_string(target), std::move(description), Presence::optional},
      [&target, least, most](std::string_view value) -> Result<void> {
        const auto number = config_values::integer(value);
        if (!number || *number < least || *number > most)
          return fail(ErrorCode::invalid_argument,
                      wanted(value, "an integer in " + std::to_string(least) + ".." + std::to_string(most)));
        target = *number;
        return {};
      });
}

void Config::duration(std::string name, Trust trust, std::chrono::milliseconds& target, std::string description) {
  add({std::move(name), trust, "duration", config_values::show(target), std::move(description), Presence::optional},
      [&target](std::string_view value) -> Result<void> {
        const auto length = config_values::duration(value);
        if (!length) return fail(ErrorCode::invalid_argument, wanted(value, "a duration such as 500ms, 10s, 5m or 2h"));
        target = *length;
        return {};
      });
}

void Config::boolean(std::string name, Trust trust, bool& target, std::string description) {
  add({std::move(name), trust, "boolean", target ? "true" : "false", std::move(description), Presence::optional},
      [&target](std::string_view value) -> Result<void> {
        const auto answer = config_values::boolean(value);
        if (!answer) return fail(ErrorCode::invalid_argument, wanted(value, "true or false"));
        target = *answer;
        return {};
      });
}

void Config::path(std::string name, Trust trust, std::filesystem::path& target, std::string description,
                  Presence presence) {
  add({std::move(name), trust, "path", target.string(), std::move(description), presence},
      [&target](std::string_view value) -> Result<void> {
        target = value;
        return {};
      });
}

void Config::secret(std::string name, Trust trust, Secret& target, std::string description, Presence presence) {
  const auto file_name = name + std::string(kFileSuffix);
  auto read = [name, file_name, &target](const Lookup& lookup) -> Result<bool> {
    auto value = look_up(lookup, name);
    const auto path = look_up(lookup, file_name);
    if (value && path) return refuse_setting(name, file_name + " is set too, want one of them");
    if (value) target = Secret(*std::move(value));
    if (!path) return !target.empty();
    auto from_file = read_secret_file(*path);
    if (!from_file) return refuse_setting(file_name, from_file.error().message);
    target = *std::move(from_file);
    return true;
  };
  declare({std::move(name), trust, "secret", "", std::move(description), presence}, std::move(read));
  variables_.push_back(
      {file_name, trust, "path", "", "File that holds " + variables_.back().name + ".", Presence::optional});
}

void Config::list(std::string name, Trust trust, std::vector<std::string>& target, std::string description) {
  add({std::move(name), trust, "list", config_values::join(target, ","), std::move(description), Presence::optional},
      [&target](std::string_view value) -> Result<void> {
        target = config_values::list(value);
        return {};
      });
}

void Config::argv(std::string name, Trust trust, std::vector<std::string>& target, std::string description) {
  add({std::move(name), trust, "argv", config_values::show(target), std::move(description), Presence::optional},
      [&target](std::string_view value) -> Result<void> {
        auto words = config_values::argv(value);
        if (words.empty())
          return fail(ErrorCode::invalid_argument, wanted(value, "a JSON array of texts such as [\"cloudflared\"]"));
        target = std::move(words);
        return {};
      });
}

void Config::add_choice(std::string name, Trust trust, std::size_t position, std::vector<std::string> values,
                        std::string description, std::function<void(std::size_t)> assign) {
  add({std::move(name), trust, config_values::join(values, "|"), values.at(position), std::move(description),
       Presence::optional},
      [values, assign = std::move(assign)](std::string_view value) -> Result<void> {
        for (std::size_t i = 0; i < values.size(); ++i) {
          if (values[i] != value) continue;
          assign(i);
          return {};
        }
        return fail(ErrorCode::invalid_argument, wanted(value, "one of " + config_values::join(values, ", ")));
      });
}

Result<void> Config::load(const Lookup& lookup) const {
  std::vector<std::string> problems;
  for (const auto& entry : entries_) {
    const auto set = entry.read(lookup);
    if (!set)
      problems.push_back(set.error().message);
    else if (!*set && entry.presence == Presence::required)
      problems.push_back("cannot read " + entry.name + ": it is required and not set");
  }
  if (problems.empty()) return {};
  return fail(ErrorCode::invalid_argument, config_values::join(problems, "\n"));
}

Result<void> Config::load_environment() const {
  return load([](const std::string& name) { return environment_variable(name); });
}

std::optional<std::string> environment_variable(std::string_view name) {
  const char* value = getenv(std::string(name).c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

const std::vector<Config::Variable>& Config::variables() const noexcept { return variables_; }

}  // namespace dd
