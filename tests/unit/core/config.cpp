#include "dd/config.hpp"

#include <map>

#include <doctest/doctest.h>

#include "tests/support/temp_dir.hpp"

using namespace dd;

namespace {

using Environment = std::map<std::string, std::string>;

enum class Style { nested, flat };

// One variable of every type, as a program would declare it.
struct Options {
  std::string url = "http://localhost";
  std::uint16_t port = 8080;
  std::int64_t count = 4;
  std::chrono::milliseconds wait{30'000};
  bool strict = true;
  std::filesystem::path home = "/var/lib/dd";
  Secret token;
  std::vector<std::string> names{"a", "b"};
  std::vector<std::string> command{"cloudflared"};
  Style style = Style::nested;
  Config config;

  explicit Options(Presence presence = Presence::optional) {
    config.text("DD_URL", Trust::none, url, "Where it is.", presence, [](std::string_view value) -> Result<void> {
      if (value.starts_with("http")) return {};
      return fail(ErrorCode::invalid_argument, "want an http URL");
    });
    config.port("DD_PORT", Trust::none, port, "Port to listen on.");
    config.integer("DD_COUNT", Trust::none, count, 1, 9, "How many.");
    config.duration("DD_WAIT", Trust::none, wait, "How long.");
    config.boolean("DD_STRICT", Trust::none, strict, "Whether to be strict.");
    config.path("DD_HOME", Trust::none, home, "Where state is kept.");
    config.secret("DD_TOKEN", Trust::none, token, "API token.", presence);
    config.list("DD_NAMES", Trust::none, names, "Which ones.");
    config.argv("DD_COMMAND", Trust::none, command, "What to run.");
    config.choice("DD_STYLE", Trust::none, style, {"nested", "flat"}, "Form of hostnames.");
  }

  Result<void> load(const Environment& environment) {
    return config.load([&](const std::string& name) -> std::optional<std::string> {
      const auto value = environment.find(name);
      return value == environment.end() ? std::nullopt : std::optional(value->second);
    });
  }
};

}  // namespace

TEST_CASE("what is not set keeps its default") {
  Options options;
  REQUIRE(options.load({{"DD_PORT", ""}, {"DD_TOKEN", ""}, {"OTHER", "x"}}).has_value());
  CHECK(options.port == 8080);
  CHECK(options.token.empty());
  CHECK(options.names.size() == 2);
}

TEST_CASE("a value of each type is read") {
  Options options;
  REQUIRE(options
              .load({{"DD_URL", "https://cp.example"},
                     {"DD_PORT", "0"},
                     {"DD_COUNT", "9"},
                     {"DD_WAIT", "250ms"},
                     {"DD_STRICT", "off"},
                     {"DD_HOME", "/srv/dd"},
                     {"DD_TOKEN", "s3cret"},
                     {"DD_NAMES", " x , y,"},
                     {"DD_COMMAND", R"(["sh", "-c", "a b"])"},
                     {"DD_STYLE", "flat"}})
              .has_value());
  CHECK(options.url == "https://cp.example");
  CHECK(options.port == 0);
  CHECK(options.count == 9);
  CHECK(options.wait == std::chrono::milliseconds(250));
  CHECK_FALSE(options.strict);
  CHECK(options.home == "/srv/dd");
  CHECK(options.token.reveal() == "s3cret");
  CHECK(options.names == std::vector<std::string>{"x", "y"});
  CHECK(options.command == std::vector<std::string>{"sh", "-c", "a b"});
  CHECK(options.style == Style::flat);
}

TEST_CASE("every word for true and false is read") {
  for (const auto* word : {"true", "1", "yes", "on", "false", "0", "no", "off"}) {
    Options options;
    CAPTURE(word);
    REQUIRE(options.load({{"DD_STRICT", word}}).has_value());
    CHECK(options.strict == (std::string_view("true1yeson").find(word) != std::string_view::npos));
  }
}

TEST_CASE("a bad value is refused by the name of its variable") {
  const struct {
    const char* name;
    const char* value;
    const char* message;
  } cases[] = {
      {"DD_URL", "ftp://x", R"(cannot read DD_URL: "ftp://x", want an http URL)"},
      {"DD_PORT", "65536", R"(cannot read DD_PORT: "65536", want a port in 0..65535)"},
      {"DD_PORT", "80a", R"(cannot read DD_PORT: "80a", want a port in 0..65535)"},
      {"DD_PORT", "-1", R"(cannot read DD_PORT: "-1", want a port in 0..65535)"},
      {"DD_COUNT", "10", R"(cannot read DD_COUNT: "10", want an integer in 1..9)"},
      {"DD_WAIT", "0s", R"(cannot read DD_WAIT: "0s", want a duration such as 500ms, 10s, 5m or 2h)"},
      {"DD_STRICT", "maybe", R"(cannot read DD_STRICT: "maybe", want true or false)"},
      {"DD_COMMAND", "cloudflared",
       R"(cannot read DD_COMMAND: "cloudflared", want a JSON array of texts such as ["cloudflared"])"},
      {"DD_COMMAND", "[]", R"(cannot read DD_COMMAND: "[]", want a JSON array of texts such as ["cloudflared"])"},
      {"DD_COMMAND", R"(["a",1])",
       R"(cannot read DD_COMMAND: "["a",1]", want a JSON array of texts such as ["cloudflared"])"},
      {"DD_STYLE", "round", R"(cannot read DD_STYLE: "round", want one of nested, flat)"},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    Options options;
    const auto loaded = options.load({{c.name, c.value}});
    REQUIRE_FALSE(loaded.has_value());
    CHECK(loaded.error().code == ErrorCode::invalid_argument);
    CHECK(loaded.error().message == c.message);
  }
}

TEST_CASE("all problems come at once, one a line") {
  Options options(Presence::required);
  const auto loaded = options.load({{"DD_PORT", "x"}, {"DD_STRICT", "x"}});
  REQUIRE_FALSE(loaded.has_value());
  CHECK(loaded.error().message ==
        "cannot read DD_URL: it is required and not set\n"
        "cannot read DD_PORT: \"x\", want a port in 0..65535\n"
        "cannot read DD_STRICT: \"x\", want true or false\n"
        "cannot read DD_TOKEN: it is required and not set");
}

TEST_CASE("a secret may come from a file") {
  const TempDir dir;
  Options options(Presence::required);
  REQUIRE(options.load({{"DD_URL", "http://x"}, {"DD_TOKEN_FILE", dir.write("token", "s3cret\n")}}).has_value());
  CHECK(options.token.reveal() == "s3cret");
}

TEST_CASE("a secret given twice is refused without showing it") {
  const TempDir dir;
  Options options;
  const auto loaded = options.load({{"DD_TOKEN", "hunter2"}, {"DD_TOKEN_FILE", dir.write("token", "hunter2")}});
  REQUIRE_FALSE(loaded.has_value());
  CHECK(loaded.error().message == "cannot read DD_TOKEN: DD_TOKEN_FILE is set too, want one of them");
}

TEST_CASE("a secret's file that cannot be read is named") {
  Options options;
  const auto loaded = options.load({{"DD_TOKEN_FILE", "/nonexistent/token"}});
  REQUIRE_FALSE(loaded.has_value());
  CHECK(loaded.error().message ==
        "cannot read DD_TOKEN_FILE: cannot read secret file /nonexistent/token: No such file or directory");
}

TEST_CASE("help has one aligned line for each variable") {
  Config config;
  std::uint16_t port = 8080;
  Secret token("not shown");
  config.port("DD_PORT", Trust::none, port, "Port to listen on.");
  config.secret("DD_TOKEN", Trust::none, token, "API token.", Presence::required);
  CHECK(config.help() ==
        "  DD_PORT        port    8080      Port to listen on.\n"
        "  DD_TOKEN       secret  required  API token.\n"
        "  DD_TOKEN_FILE  path    unset     File that holds DD_TOKEN.\n");
}

TEST_CASE("the Markdown table escapes what would break it") {
  Config config;
  auto style = Style::flat;
  config.choice("DD_STYLE", Trust::none, style, {"nested", "flat"}, "Form of hostnames.");
  CHECK(config.markdown() ==
        "| Variable | Type | Default | Trust | Meaning |\n|---|---|---|---|---|\n"
        "| `DD_STYLE` | nested\\|flat | flat |  | Form of hostnames. |\n");
  CHECK(config.variables().size() == 1);
}

TEST_CASE("each variable says whether it decides whom its program believes, and a secret's file says as much") {
  Config config;
  std::string url;
  Secret key;
  config.text("DD_URL", Trust::setting, url, "Whom to ask.");
  config.secret("DD_KEY", Trust::rule, key, "With what.");
  CHECK(config.variables()[0].trust == Trust::setting);
  CHECK(config.variables()[1].trust == Trust::rule);
  CHECK(config.variables()[2].trust == Trust::rule);
  CHECK(config.markdown().find("| `DD_URL` | text | unset | setting | Whom to ask. |") != std::string::npos);
  CHECK(config.markdown().find("| `DD_KEY_FILE` | path | unset | rule | File that holds DD_KEY. |") !=
        std::string::npos);
}

TEST_CASE("a command's default is shown as one would write it") {
  Config config;
  std::vector<std::string> command{"cloudflared", "--no-autoupdate"};
  std::vector<std::string> none;
  config.argv("DD_COMMAND", Trust::none, command, "What to run.");
  config.argv("DD_OTHER", Trust::none, none, "What else to run.");
  CHECK(config.variables()[0].default_text == R"(["cloudflared","--no-autoupdate"])");
  CHECK(config.variables()[1].default_text.empty());
}

TEST_CASE("the environment of the process is read") {
  std::filesystem::path path;
  Config config;
  config.path("PATH", Trust::none, path, "Where programs are.");
  REQUIRE(config.load_environment().has_value());
  CHECK_FALSE(path.empty());
}
