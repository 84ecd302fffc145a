#include "dd/bake.hpp"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "dd/workload.hpp"
#include "libdd/core/json.hpp"

namespace dd {
namespace {

using OrderedJson = nlohmann::ordered_json;

bool starts_name(char c) { return (c >= 'A' && c <= 'Z') || c == '_'; }
bool continues_name(char c) { return starts_name(c) || (c >= '0' && c <= '9'); }

/// The name of the placeholder that `text` starts with; empty when it starts with none.
std::string_view placeholder_name(std::string_view text) {
  if (!text.starts_with("${")) return {};
  text.remove_prefix(2);
  if (text.empty() || !starts_name(text.front())) return {};
  const auto end = std::find_if_not(text.begin(), text.end(), continues_name);
  if (end == text.end() || *end != '}') return {};
  return text.substr(0, static_cast<std::size_t>(end - text.begin()));
}

/// nlohmann has no call of its own that asks; the two ways to write what is no UTF-8 differ only when there is some.
bool is_utf8(const std::string& text) {
  using Handler = OrderedJson::error_handler_t;
  const OrderedJson value(text);
  return value.dump(-1, ' ', false, Handler::ignore) == value.dump(-1, ' ', false, Handler::replace);
}

class Filler {
 public:
  Filler(const VariableLookup& variables, Unset unset) : variables_(variables), unset_(unset) {}

  /// Every string below `value`; no deeper than the parser lets a document be.
  Result<void> fill(OrderedJson& value) const {
    if (value.is_string()) {
      auto filled = filled_text(value.get_ref<const std::string&>());
      if (!filled) return tl::unexpected(std::move(filled).error());
      value = *std::move(filled);
    }
    if (!value.is_structured()) return {};
    for (auto& child : value)
      if (auto done = fill(child); !done) return done;
    return {};
  }

 private:
  Result<std::string> value_of(std::string_view name) const {
    auto value = variables_(name);
    if (!value && unset_ == Unset::refuse)
      return fail(ErrorCode::not_found, "cannot bake: variable " + std::string(name) + " is not set");
    if (!value) return std::string();
    if (!is_utf8(*value))
      return fail(ErrorCode::invalid_argument, "cannot bake: the value of " + std::string(name) + " is not UTF-8");
    return *std::move(value);
  }

  Result<std::string> filled_text(std::string_view text) const {
    std::string out;
    while (!text.empty()) {
      const auto name = placeholder_name(text);
      if (name.empty()) {
        out += text.front();
        text.remove_prefix(1);
        continue;
      }
      const auto value = value_of(name);
      if (!value) return value;
      out += *value;
      text.remove_prefix(name.size() + std::string_view("${}").size());
    }
    return out;
  }

  const VariableLookup& variables_;
  Unset unset_;
};

bool lacks_value(const OrderedJson& entry) {
  if (!entry.is_string()) return false;  // the check that follows refuses it with its path
  const auto& text = entry.get_ref<const std::string&>();
  const auto equals = text.find('=');
  return equals == std::string::npos || equals == 0 || equals + 1 == text.size();
}

void drop_entries_without_value(OrderedJson& workload) {
  const auto env = workload.is_object() ? workload.find("env") : workload.end();
  if (!workload.is_object() || env == workload.end() || !env->is_array()) return;
  OrderedJson kept = OrderedJson::array();
  for (auto& entry : *env)
    if (!lacks_value(entry)) kept.push_back(std::move(entry));
  *env = std::move(kept);
}

/// Refuses first what the strict parser refuses; nlohmann's ordered form alone keeps the order of the members.
Result<OrderedJson> in_order(std::string_view text) {
  if (const auto strict = parse_json(text); !strict) return tl::unexpected(strict.error());
  return OrderedJson::parse(text, nullptr, false);
}

Result<Baked> checked(const OrderedJson& workload) {
  Baked baked;
  baked.text = workload.dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
  if (workload.contains("role") || workload.contains("inherit_token")) {
    if (auto boot = parse_boot_workloads('[' + baked.text + ']'); !boot)
      return wrap(std::move(boot).error(), "cannot bake");
    return baked;
  }
  auto request = parse_deploy_request(baked.text);
  if (!request) return wrap(std::move(request).error(), "cannot bake");
  baked.unknown = std::move(request->unknown);
  return baked;
}

}  // namespace

Result<Baked> bake_workload(std::string_view text) {
  const auto workload = in_order(text);
  if (!workload) return wrap(workload.error(), "cannot bake");
  return checked(*workload);
}

Result<Baked> bake_template(std::string_view text, const VariableLookup& variables, Unset unset) {
  auto workload = in_order(text);
  if (!workload) return wrap(std::move(workload).error(), "cannot bake");
  if (const auto filled = Filler(variables, unset).fill(*workload); !filled) return tl::unexpected(filled.error());
  drop_entries_without_value(*workload);
  return checked(*workload);
}

}  // namespace dd
