// Property: what is accepted keeps every rule of docs/wire.md, 7, and is read back as it was when it is written; a refusal names a path.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include <nlohmann/json.hpp>

#include "dd/workload.hpp"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto request = dd::parse_deploy_request(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!request) {
    require(request.error().path.starts_with("$") && request.error().message.starts_with("cannot "));
    return 0;
  }
  const auto& release = request->github_release;
  require(dd::valid_app_name(request->app_name) && (release || !request->cmd.empty()));
  require(request->cmd.empty() || !request->cmd.front().empty());
  require(request->expose.size() <= 16);
  if (release) {
    require(release->repo.find('/') != std::string::npos && !release->asset.empty());
    require(release->asset.find('/') == std::string::npos && !release->asset.starts_with('.'));
    require(release->sha256.empty() || release->sha256.size() == 64);
    require(dd::is_archive(release->asset) || release->rename.find('/') == std::string::npos);
  }
  for (const auto& text : request->cmd) require(text.find('\0') == std::string::npos);
  for (const auto& expose : request->expose) require(dd::valid_hostname_label(expose.hostname_label));
  require(request->ready_timeout.count() > 0 && request->ready_timeout <= std::chrono::minutes(10));
  require(!(request->overlap == true && request->privileged));
  request->unknown.clear();
  const auto again = dd::deploy_request_from(dd::to_json_value(*request));
  require(again.has_value() && *again == *request);
  return 0;
}
