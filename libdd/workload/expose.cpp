#include <algorithm>
#include <array>
#include <utility>

#include <nlohmann/json.hpp>

#include "libdd/workload/expose_reader.hpp"

namespace dd {
namespace {

constexpr std::array kProtocols = {
    std::pair{ServiceProtocol::http, std::string_view("http")},
    std::pair{ServiceProtocol::https, std::string_view("https")},
    std::pair{ServiceProtocol::tcp, std::string_view("tcp")},
};

constexpr TextRule kLabelRule{1, 4096, valid_hostname_label, "1..32 of a-z, 0-9 and '-', no '-' at either end"};

bool valid_loopback(std::string_view address) { return address == "127.0.0.1" || address == "::1"; }

bool valid_protocol(std::string_view name) {
  return std::ranges::any_of(kProtocols, [name](const auto& entry) { return entry.second == name; });
}

constexpr TextRule kLoopbackRule{0, 4096, valid_loopback, "127.0.0.1 or ::1"};

constexpr TextRule kProtocolRule{0, 4096, valid_protocol, "http, https or tcp"};

ServiceProtocol protocol_from(std::string_view name) {
  return std::ranges::find(kProtocols, name, [](const auto& entry) { return entry.second; })->first;
}

std::string_view name_of(ServiceProtocol protocol) {
  return std::ranges::find(kProtocols, protocol, [](const auto& entry) { return entry.first; })->second;
}

Result<Expose> read_one(const Json& value, const std::string& path, const std::string& prefix, Ports ports,
                        std::vector<std::string>& unknown) {
  ObjectReader reader(value, path);
  Expose expose;
  expose.hostname_label = reader.text("hostname_label", kLabelRule);
  const bool chosen = ports == Ports::may_be_chosen && reader.find("port") == nullptr;
  if (!chosen) expose.port = static_cast<std::uint16_t>(reader.integer("port", 1, 65535));
  const auto protocol = reader.optional_text("protocol", kProtocolRule);
  if (ports == Ports::with_address) expose.address = reader.optional_text("address", kLoopbackRule).value_or("");
  if (reader.error()) return tl::unexpected(*reader.error());
  if (protocol) expose.protocol = protocol_from(*protocol);
  for (const auto& name : reader.unknown()) unknown.push_back(prefix + "." + name);
  return expose;
}

Result<ExposeList> read_list(const Json& value, const std::string& path, std::size_t most, Ports ports) {
  if (value.size() > most)
    return fail_at(
        ErrorCode::invalid_argument, path,
        "cannot read " + path + ": " + std::to_string(value.size()) + " items, want at most " + std::to_string(most));
  ExposeList list;
  for (std::size_t i = 0; i < value.size(); ++i) {
    const auto index = "[" + std::to_string(i) + "]";
    const auto item_path = path + index;
    auto item = read_one(value[i], item_path, index, ports, list.unknown);
    if (!item) return tl::unexpected(std::move(item).error());
    // Two rules for one hostname: the second would never be reached, without a word.
    if (std::ranges::any_of(list.items,
                            [&](const Expose& other) { return other.hostname_label == item->hostname_label; }))
      return fail_at(ErrorCode::invalid_argument, item_path + ".hostname_label",
                     "cannot read " + item_path + ".hostname_label: \"" + item->hostname_label + "\" occurs twice");
    list.items.push_back(*std::move(item));
  }
  return list;
}

}  // namespace

Result<ExposeList> read_expose(const Json& value, const std::string& path, std::size_t most, Ports ports) {
  if (value.is_array()) return read_list(value, path, most, ports);
  if (!value.is_object())
    return fail_at(ErrorCode::malformed, path, "cannot read " + path + ": want an object or a list of objects");
  ExposeList list;
  auto item = read_one(value, path, "", ports, list.unknown);
  if (!item) return tl::unexpected(std::move(item).error());
  list.items.push_back(*std::move(item));
  return list;
}

Result<std::vector<Expose>> expose_from(const Json& value, std::string path, std::size_t most) {
  auto list = read_expose(value, path, most, Ports::with_address);
  if (!list) return tl::unexpected(std::move(list).error());
  return std::move(list->items);
}

Json to_json_value(const Expose& expose) {
  Json value = {{"hostname_label", expose.hostname_label}};
  if (expose.port != 0) value["port"] = expose.port;
  if (expose.protocol != ServiceProtocol::http) value["protocol"] = name_of(expose.protocol);
  if (!expose.address.empty()) value["address"] = expose.address;
  return value;
}

}  // namespace dd
