#include <algorithm>
#include <array>
#include <utility>

#include <nlohmann/json.hpp>

#include "libdd/core/decimal.hpp"
#include "libdd/workload/deploy_reader.hpp"

namespace dd {
namespace {

using Role = BootWorkload::Role;

constexpr std::size_t kMaxBootWorkloads = 64;

constexpr std::array kRoles = {
    std::pair{Role::agent, std::string_view("agent")},
    std::pair{Role::cp, std::string_view("cp")},
    std::pair{Role::connector, std::string_view("connector")},
};

bool valid_role(std::string_view name) {
  return std::ranges::any_of(kRoles, [name](const auto& entry) { return entry.second == name; });
}

constexpr TextRule kRoleRule{0, 4096, valid_role, "agent, cp or connector"};

Role role_from(std::string_view name) {
  return std::ranges::find(kRoles, name, [](const auto& entry) { return entry.second; })->first;
}

// The earlier system's boot specs name no role; there the name was one.
constexpr std::array kNamedRoles = {
    std::pair{Role::agent, std::string_view("dd-agent")},
    std::pair{Role::cp, std::string_view("dd-management")},
    std::pair{Role::connector, std::string_view("cloudflared")},
};

Role role_by_name(std::string_view app_name) {
  const auto entry = std::ranges::find(kNamedRoles, app_name, [](const auto& e) { return e.second; });
  return entry == kNamedRoles.end() ? Role::none : entry->first;
}

constexpr std::size_t kMaxListen = 8;

bool valid_socket_name(std::string_view name) { return valid_hostname_label(name); }

constexpr TextRule kSocketNameRule{1, 32, valid_socket_name, "lower-case letters, digits and inner hyphens"};

Result<std::vector<ListenSocket>> read_listen(const Json& list, const std::string& path) {
  std::vector<ListenSocket> sockets;
  for (const auto& item : list) {
    ObjectReader reader(item, path + "[" + std::to_string(sockets.size()) + "]");
    ListenSocket one;
    one.name = reader.text("name", kSocketNameRule);
    one.port = static_cast<std::uint16_t>(reader.integer("port", 0, 65535));
    const auto same = [&one](const ListenSocket& other) {
      return other.name == one.name || (one.port != 0 && other.port == one.port);
    };
    if (std::ranges::any_of(sockets, same))
      reader.problem("name", ErrorCode::invalid_argument, "its name or its port occurs twice");
    reader.refuse_unknown();
    if (reader.error()) return tl::unexpected(*reader.error());
    sockets.push_back(std::move(one));
  }
  return sockets;
}

/// What dd-agent and dd-cp listen on. Of the earlier system's programs, which have a role by their name, nothing is known.
std::vector<ListenSocket> listen_of_role(const BootWorkload& workload) {
  constexpr std::uint16_t kDefaultPort = 8080;
  std::vector<ListenSocket> sockets{{"http", kDefaultPort}};
  const std::pair<std::string, std::string> compat_on("DD_COMPAT", "seed");
  const auto& env = workload.request.env;
  const bool compat = workload.role == Role::cp && std::ranges::find(env, compat_on) != env.end();
  for (const auto& [name, value] : workload.request.env) {
    if (name == "DD_ADDRESS" && value != "127.0.0.1") return {};
    const auto port = decimal<std::uint16_t>(value);
    if (name == "DD_PORT" && port) sockets.front().port = *port;
    if (name == "DD_COMPAT_PORT" && port && compat) sockets.push_back({"compat", *port});
  }
  return sockets;
}

Result<BootWorkload> read_boot_workload(const Json& value, const std::string& path) {
  ObjectReader reader(value, path);
  BootWorkload workload;
  const auto role = reader.optional_text("role", kRoleRule);
  const bool token_is_said = reader.find("inherit_token") != nullptr;
  workload.inherit_token = reader.boolean("inherit_token", false);
  const auto* listen = reader.find("listen");
  if (listen != nullptr) listen = reader.array("listen", kMaxListen);
  auto sockets = read_listen(listen != nullptr ? *listen : Json::array(), path + ".listen");
  if (!sockets) reader.problem(sockets.error());
  auto request = read_deploy_request(reader, Ports::named);
  if (!request) return tl::unexpected(std::move(request).error());
  for (const auto& name : request->unknown) reader.problem(name.c_str(), ErrorCode::invalid_argument, "unknown member");
  reader.refuse_unknown();
  if (reader.error()) return tl::unexpected(*reader.error());
  workload.request = *std::move(request);
  workload.role = role ? role_from(*role) : role_by_name(workload.request.app_name);
  // Nor did its agent and its control plane need a token.
  if (!role && !token_is_said) workload.inherit_token = workload.role == Role::agent || workload.role == Role::cp;
  const bool must_run = workload.role == Role::agent || workload.role == Role::cp;
  if (must_run && workload.request.cmd.empty())
    reader.problem("cmd", ErrorCode::invalid_argument, "want a command: a release alone starts nothing");
  if (listen != nullptr && workload.role == Role::connector)
    reader.problem("listen", ErrorCode::invalid_argument,
                   "a connector is started by the agent, which has no sockets for it");
  if (reader.error()) return tl::unexpected(*reader.error());
  workload.listen = *std::move(sockets);
  workload.listen_by_default = listen == nullptr && role && must_run;
  if (workload.listen_by_default) workload.listen = listen_of_role(workload);
  return workload;
}

// Names are reserved by boot workloads and a role is a capability: both must have one holder.
Result<void> refuse_second_holder(const std::vector<BootWorkload>& earlier, const BootWorkload& workload,
                                  const std::string& path) {
  for (const auto& other : earlier) {
    if (other.request.app_name == workload.request.app_name)
      return fail_at(ErrorCode::invalid_argument, path + ".app_name",
                     "cannot read " + path + ".app_name: \"" + workload.request.app_name + "\" occurs twice");
    if (workload.role != Role::none && other.role == workload.role)
      return fail_at(ErrorCode::invalid_argument, path + ".role",
                     "cannot read " + path + ".role: \"" + std::string(to_string(workload.role)) + "\" occurs twice");
  }
  return {};
}

}  // namespace

Result<std::vector<BootWorkload>> parse_boot_workloads(std::string_view text) {
  auto list = parse_json(text);
  if (!list) return fail_at(list.error().code, "$", std::move(list.error().message));
  if (!list->is_array() || list->size() > kMaxBootWorkloads)
    return fail_at(list->is_array() ? ErrorCode::invalid_argument : ErrorCode::malformed, "$",
                   "cannot read $: want a list of at most " + std::to_string(kMaxBootWorkloads) + " boot workloads");
  std::vector<BootWorkload> workloads;
  for (const auto& item : *list) {
    const auto path = "$[" + std::to_string(workloads.size()) + "]";
    auto workload = read_boot_workload(item, path);
    if (!workload) return tl::unexpected(std::move(workload).error());
    if (const auto unique = refuse_second_holder(workloads, *workload, path); !unique)
      return tl::unexpected(unique.error());
    workloads.push_back(*std::move(workload));
  }
  return workloads;
}

std::string_view to_string(BootWorkload::Role role) noexcept {
  const auto entry = std::ranges::find(kRoles, role, [](const auto& e) { return e.first; });
  return entry == kRoles.end() ? "none" : entry->second;
}

}  // namespace dd
