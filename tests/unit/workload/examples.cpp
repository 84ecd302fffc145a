#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "dd/bake.hpp"

using namespace dd;

namespace {

std::string text_of(const std::filesystem::path& file) {
  std::ifstream stream(file);
  REQUIRE_MESSAGE(stream, "cannot read " << file.string());
  return {std::istreambuf_iterator<char>(stream), {}};
}

std::optional<std::string> any_value(std::string_view) { return "value"; }

}  // namespace

TEST_CASE("every example workload is one that the runtime takes, with no member unknown to it") {
  std::set<std::string> found;
  for (const auto& folder : std::filesystem::directory_iterator(DD_EXAMPLE_WORKLOADS)) {
    const auto name = folder.path().filename().string();
    CAPTURE(name);
    found.insert(name);
    const auto finished = folder.path() / "workload.json";
    const auto baked = std::filesystem::exists(finished)
                           ? bake_workload(text_of(finished))
                           : bake_template(text_of(folder.path() / "workload.json.tmpl"), any_value, Unset::refuse);
    REQUIRE_MESSAGE(baked, baked.error().message);
    CHECK(baked->unknown.empty());
    CHECK(baked->text.starts_with("{\"app_name\":\"" + name + "\","));
  }
  CHECK(found == std::set<std::string>{"cloudflared", "dd-agent", "dd-cp", "hello", "mount-models", "nginx", "nv",
                                       "ollama", "ollama-gpu", "openclaw", "podman-bootstrap", "podman-static"});
}
