#include "libdd/local/connector_options.hpp"

#include <nlohmann/json.hpp>

#include "dd/bytes.hpp"
#include "libdd/core/decimal.hpp"
#include "libdd/core/json.hpp"

namespace dd::local {
namespace {

tl::unexpected<Error> refuse(const std::string& what) {
  return fail(ErrorCode::invalid_argument, "cannot run connector: " + what);
}

bool read_port(std::string_view text, std::uint16_t& port) {
  port = decimal<std::uint16_t>(text).value_or(0);
  return port != 0;
}

}  // namespace

Result<ConnectorSettings> parse_connector_arguments(const std::vector<std::string>& arguments) {
  ConnectorSettings settings;
  std::vector<std::string> words;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (!arguments[i].starts_with("--")) {
      words.push_back(arguments[i]);
      continue;
    }
    const auto equals = arguments[i].find('=');
    const auto name = arguments[i].substr(0, equals);
    if (name == "--no-autoupdate") continue;
    if (name != "--metrics" && name != "--token-file" && name != "--loglevel" && name != "--output" &&
        name != "--management-diagnostics")
      return refuse("flag " + name + " is not known");
    if (equals == std::string::npos && i + 1 == arguments.size()) return refuse("flag " + name + " needs a value");
    const auto value = equals == std::string::npos ? arguments[++i] : arguments[i].substr(equals + 1);
    if (name == "--token-file") settings.token_file = value;
    if (name != "--metrics") continue;
    const auto colon = value.rfind(':');
    settings.metrics_host = value.substr(0, colon);
    if (colon == std::string::npos || !read_port(std::string_view(value).substr(colon + 1), settings.metrics_port))
      return refuse("--metrics wants host:port");
  }
  if (words != std::vector<std::string>{"tunnel", "run"}) return refuse("want: tunnel [flags] run");
  if (settings.metrics_port == 0) return refuse("flag --metrics is missing");
  return settings;
}

Result<RunToken> parse_run_token(std::string_view text) {
  const auto malformed = [](const std::string& what) {
    return fail(ErrorCode::malformed, "cannot read run token: " + what);
  };
  const auto bytes = from_base64(text);
  if (!bytes) return malformed("it is not base64");
  const auto value = parse_json(as_text(*bytes));
  if (!value) return malformed("it holds no JSON");
  ObjectReader reader(*value, "$");
  RunToken token;
  token.account = reader.text("a", {.least = 1});
  token.tunnel = reader.text("t", {.least = 1});
  token.secret = reader.text("s", {.least = 1});
  const auto endpoint = reader.text("e", {.least = 1});
  if (reader.error()) return malformed("a member is missing");
  const auto colon = endpoint.rfind(':');
  if (colon == std::string::npos || !read_port(std::string_view(endpoint).substr(colon + 1), token.port))
    return malformed("its endpoint is not host:port");
  token.host = endpoint.substr(0, colon);
  return token;
}

}  // namespace dd::local
