#include "libdd/local/connector_options.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "dd/bytes.hpp"
#include "libdd/core/json.hpp"

using namespace dd;
using namespace dd::local;

namespace {

using Words = std::vector<std::string>;

Json good_token() { return {{"a", "account"}, {"t", "tunnel"}, {"s", "c2VjcmV0"}, {"e", "127.0.0.1:9000"}}; }

Result<RunToken> parse(const Json& token) { return parse_run_token(to_base64(as_bytes(to_text(token)))); }

}  // namespace

TEST_CASE("the flags with which an agent runs its connector are understood") {
  const auto settings =
      parse_connector_arguments({"tunnel", "--no-autoupdate", "--metrics", "127.0.0.1:4000",
                                 "--management-diagnostics=false", "--loglevel", "info", "--output", "json", "run"});
  REQUIRE(settings.has_value());
  CHECK(settings->metrics_host == "127.0.0.1");
  CHECK(settings->metrics_port == 4000);
  CHECK(settings->token_file.empty());
}

TEST_CASE("a flag's value may stand behind an equals sign") {
  const auto settings = parse_connector_arguments({"tunnel", "--metrics=localhost:1", "--token-file=/run/a=b", "run"});
  REQUIRE(settings.has_value());
  CHECK(settings->metrics_host == "localhost");
  CHECK(settings->token_file == "/run/a=b");
}

TEST_CASE("a command line that cloudflared would not get from an agent is refused by what is wrong") {
  const struct {
    std::string word;
    Words arguments;
  } cases[] = {
      {"want: tunnel", {}},
      {"want: tunnel", {"run"}},
      {"want: tunnel", {"run", "tunnel", "--metrics", "127.0.0.1:1"}},
      {"want: tunnel", {"tunnel", "run", "name", "--metrics", "127.0.0.1:1"}},
      {"--metrics is missing", {"tunnel", "run"}},
      {"--metrics wants", {"tunnel", "--metrics", "127.0.0.1", "run"}},
      {"--metrics wants", {"tunnel", "--metrics", "127.0.0.1:0", "run"}},
      {"--metrics wants", {"tunnel", "--metrics", "127.0.0.1:65536", "run"}},
      {"--metrics wants", {"tunnel", "--metrics", "127.0.0.1:1x", "run"}},
      {"--metrics needs", {"tunnel", "run", "--metrics"}},
      {"--url is not known", {"tunnel", "--url", "http://localhost", "run"}},
      {"--token is not known", {"tunnel", "--token", "secret", "run"}},
  };
  for (const auto& c : cases) {
    CAPTURE(c.word);
    const auto settings = parse_connector_arguments(c.arguments);
    REQUIRE_FALSE(settings.has_value());
    CAPTURE(settings.error().message);
    CHECK(settings.error().code == ErrorCode::invalid_argument);
    CHECK(settings.error().message.find(c.word) != std::string::npos);
    CHECK(settings.error().message.find("secret") == std::string::npos);
  }
}

TEST_CASE("a run token says whose tunnel it opens and where to dial") {
  const auto token = parse(good_token());
  REQUIRE(token.has_value());
  CHECK(token->account == "account");
  CHECK(token->tunnel == "tunnel");
  CHECK(token->secret == "c2VjcmV0");
  CHECK(token->host == "127.0.0.1");
  CHECK(token->port == 9000);
}

TEST_CASE("a run token that is none is refused and never shown") {
  for (const std::string name : {"a", "t", "s", "e"}) {
    CAPTURE(name);
    for (const Json& bad : {Json(), Json(""), Json(7)}) {
      auto token = good_token();
      token[name] = bad;
      const auto parsed = parse(token);
      REQUIRE_FALSE(parsed.has_value());
      CHECK(parsed.error().code == ErrorCode::malformed);
      CHECK(parsed.error().message.find("c2VjcmV0") == std::string::npos);
    }
  }
  for (const std::string endpoint : {"127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:http", ":65536"}) {
    CAPTURE(endpoint);
    auto token = good_token();
    token["e"] = endpoint;
    CHECK_FALSE(parse(token).has_value());
  }
  for (const std::string text : {"", "not base64!", "e30", "bm90IEpTT04="}) {
    CAPTURE(text);
    CHECK_FALSE(parse_run_token(text).has_value());
  }
}
