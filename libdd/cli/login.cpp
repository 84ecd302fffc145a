// ddctl login: a link that signs a browser in at the control plane's pages.
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "libdd/cli/verbs.hpp"

namespace dd::cli {
namespace {

int login(const Invocation& invocation) {
  const auto client = client_for(invocation);
  if (!client) return report(client.error());
  const auto link = client->sign_in_link();
  if (!link) return report(link.error());
  if (invocation.format() == Format::json) {
    print_json({{"url", link->url}, {"expires_in", link->expires_in}});
    return 0;
  }
  print_line(printable(link->url));
  progress("signs in whoever opens it first, within " + std::to_string(link->expires_in) + " s");
  return 0;
}

}  // namespace

void add_login(CLI::App& app, Invocation& invocation) {
  auto* verb = app.add_subcommand("login",
                                  "Print a link that signs a browser in at the control plane, once.\n"
                                  "Example: ddctl login");
  verb->callback([&invocation] { invocation.work = [&invocation] { return login(invocation); }; });
}

}  // namespace dd::cli
