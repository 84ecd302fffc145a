#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>

#include "dd/workload.hpp"

using namespace dd;

namespace {

std::string text_of(const std::filesystem::path& file) {
  std::ifstream stream(file);
  REQUIRE_MESSAGE(stream, "cannot read " << file.string());
  return {std::istreambuf_iterator<char>(stream), {}};
}

}  // namespace

TEST_CASE("every example workload is one that the runtime takes, with no member unknown to it") {
  std::set<std::string> found;
  for (const auto& folder : std::filesystem::directory_iterator(DD_EXAMPLE_WORKLOADS)) {
    const auto name = folder.path().filename().string();
    CAPTURE(name);
    found.insert(name);
    const auto request = parse_deploy_request(text_of(folder.path() / "workload.json"));
    REQUIRE_MESSAGE(request, request.error().message);
    CHECK(request->app_name == name);
    CHECK(request->unknown.empty());
  }
  CHECK(found == std::set<std::string>{"hello", "mount-models", "nginx", "nv"});
}
