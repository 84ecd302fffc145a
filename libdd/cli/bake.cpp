// ddctl bake FILE: a workload or a template of one as the compact text that a boot configuration takes.
#include <memory>

#include <CLI/CLI.hpp>

#include "dd/bake.hpp"
#include "libdd/cli/spec_file.hpp"
#include "libdd/cli/verbs.hpp"
#include "libdd/core/environment.hpp"

namespace dd::cli {
namespace {

Result<Baked> baked_file(const std::string& file, Unset unset) {
  const bool is_template = file.ends_with(".json.tmpl");
  if (!is_template && !file.ends_with(".json"))
    return fail(ErrorCode::invalid_argument, "cannot bake " + file + ": want a file named *.json or *.json.tmpl");
  const auto text = read_spec(file);
  if (!text) return tl::unexpected(text.error());
  return is_template ? bake_template(*text, environment_variable, unset) : bake_workload(*text);
}

int bake(const std::string& file, Unset unset) {
  const auto baked = baked_file(file, unset);
  if (!baked) return report(baked.error());
  for (const auto& name : baked->unknown) progress("warning: unknown member " + printable(name));
  print_line(baked->text);
  return 0;
}

}  // namespace

void add_bake(CLI::App& app, Invocation& invocation) {
  auto* verb = app.add_subcommand(
      "bake",
      "Check a workload and print it as one line of JSON. In a file named *.json.tmpl, ${NAME} is first "
      "replaced by the environment variable, and entries of env that stay without a value are left out.\n"
      "Example: PORT=8080 ddctl bake hello.json.tmpl\nExample: ddctl bake --strict hello.json.tmpl");
  const auto file = std::make_shared<std::string>();
  const auto strict = std::make_shared<bool>(false);
  verb->add_option("file", *file, "*.json or *.json.tmpl")->required();
  verb->add_flag("--strict", *strict, "fail when a variable of the template is not set");
  verb->callback([&invocation, file, strict] {
    invocation.work = [file, strict] { return bake(*file, *strict ? Unset::refuse : Unset::empty); };
  });
}

}  // namespace dd::cli
