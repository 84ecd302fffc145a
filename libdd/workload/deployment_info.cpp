#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include <nlohmann/json.hpp>

#include "libdd/workload/expose_reader.hpp"

namespace dd {
namespace {

constexpr std::array kStatuses = {
    std::pair{DeploymentStatus::deploying, std::string_view("deploying")},
    std::pair{DeploymentStatus::running, std::string_view("running")},
    std::pair{DeploymentStatus::completed, std::string_view("completed")},
    std::pair{DeploymentStatus::exited, std::string_view("exited")},
    std::pair{DeploymentStatus::failed, std::string_view("failed")},
    std::pair{DeploymentStatus::stopped, std::string_view("stopped")},
};

constexpr TextRule kIdRule{1, 128, nullptr, nullptr};
constexpr TextRule kAddressRule{1, 64, nullptr, nullptr};
constexpr std::size_t kMaxListeners = 100'000;
// `source` is the whole command line and an error may quote it: as long as a line of the socket may be.
constexpr TextRule kLongRule{0, 1024 * 1024, nullptr, nullptr};

Json to_json_value(const ListenAddress& listener) { return {{"address", listener.address}, {"port", listener.port}}; }

Result<std::vector<ListenAddress>> listeners_from(ObjectReader& reader) {
  std::vector<ListenAddress> listeners;
  const auto* list = reader.array("listeners", kMaxListeners);
  for (std::size_t i = 0; list != nullptr && i < list->size(); ++i) {
    ObjectReader item((*list)[i], reader.path_of("listeners") + "[" + std::to_string(i) + "]");
    ListenAddress listener;
    listener.address = item.text("address", kAddressRule);
    listener.port = static_cast<std::uint16_t>(item.integer("port", 1, UINT16_MAX));
    if (item.error()) return tl::unexpected(*item.error());
    listeners.push_back(std::move(listener));
  }
  if (reader.error()) return tl::unexpected(*reader.error());
  return listeners;
}

}  // namespace

std::string_view to_string(DeploymentStatus status) noexcept {
  const auto entry = std::ranges::find(kStatuses, status, [](const auto& e) { return e.first; });
  return entry == kStatuses.end() ? "exited" : entry->second;
}

std::optional<DeploymentStatus> deployment_status_from(std::string_view name) noexcept {
  const auto entry = std::ranges::find(kStatuses, name, [](const auto& e) { return e.second; });
  return entry == kStatuses.end() ? std::nullopt : std::optional(entry->first);
}

bool is_live(DeploymentStatus status) noexcept {
  return status == DeploymentStatus::deploying || status == DeploymentStatus::running;
}

bool listens_on(const DeploymentInfo& info, std::uint16_t port) noexcept {
  if (!info.listeners) return false;
  return std::ranges::any_of(*info.listeners, [port](const ListenAddress& listener) {
    const auto& at = listener.address;
    const bool reached = at == "127.0.0.1" || at == "0.0.0.0" || at == "::1" || at == "::";
    return listener.port == port && reached;
  });
}

Json to_json_value(const DeploymentInfo& info) {
  Json value = {{"id", info.id},
                {"pid", nullptr},
                {"app_name", info.app_name},
                {"source", info.source},
                {"status", to_string(info.status)},
                {"started_at", info.started_at},
                {"privileged", info.privileged},
                {"boot", info.boot},
                {"uid", info.uid},
                {"expose", Json::array()}};
  if (info.pid) value["pid"] = *info.pid;
  if (info.exit_code) value["exit_code"] = *info.exit_code;
  if (info.signal) value["signal"] = *info.signal;
  put_text(value, "error_message", info.error_message);
  put_text(value, "exited_at", info.exited_at);
  put_text(value, "digest", info.digest);
  put_text(value, "rollback_of", info.rollback_of);
  put_text(value, "repeats", info.repeats);
  for (const auto& expose : info.expose) value["expose"].push_back(to_json_value(expose));
  if (!info.listeners) return value;
  value["listeners"] = Json::array();
  for (const auto& listener : *info.listeners) value["listeners"].push_back(to_json_value(listener));
  return value;
}

Result<DeploymentInfo> deployment_info_from(const Json& value, std::string path) {
  ObjectReader reader(value, std::move(path));
  DeploymentInfo info;
  info.id = reader.text("id", kIdRule);
  info.pid = reader.optional_integer("pid", 0, std::numeric_limits<std::int64_t>::max());
  info.app_name = reader.text("app_name");
  info.source = reader.optional_text("source", kLongRule).value_or("");
  info.status = deployment_status_from(reader.text("status")).value_or(DeploymentStatus::exited);
  info.error_message = reader.optional_text("error_message", kLongRule).value_or("");
  info.started_at = reader.optional_text("started_at").value_or("");
  info.exited_at = reader.optional_text("exited_at").value_or("");
  info.exit_code = reader.optional_int("exit_code");
  info.signal = reader.optional_int("signal");
  info.digest = reader.optional_text("digest").value_or("");
  info.rollback_of = reader.optional_text("rollback_of", kIdRule).value_or("");
  info.repeats = reader.optional_text("repeats", kIdRule).value_or("");
  info.uid = reader.optional_integer("uid", 0, std::numeric_limits<std::uint32_t>::max()).value_or(0);
  info.privileged = reader.boolean("privileged", false);
  info.boot = reader.boolean("boot", false);
  if (reader.find("listeners") != nullptr) {
    auto listeners = listeners_from(reader);
    if (!listeners) return tl::unexpected(std::move(listeners).error());
    info.listeners = *std::move(listeners);
  }
  const auto* expose = reader.find("expose");
  if (reader.error()) return tl::unexpected(*reader.error());
  if (expose == nullptr) return info;
  auto list = expose_from(*expose, reader.path_of("expose"), kMaxExpose);
  if (!list) return tl::unexpected(std::move(list).error());
  info.expose = *std::move(list);
  return info;
}

}  // namespace dd
