#include "libdd/net/form.hpp"

#include <algorithm>
#include <set>

#include "libdd/net/ascii.hpp"
#include "libdd/net/target.hpp"
#include "libdd/net/url.hpp"

namespace dd::net {
namespace {

constexpr std::string_view kType = "application/x-www-form-urlencoded";

/// Without parameters: a charset is allowed and means nothing here.
bool is_form(const ServerRequest& request) {
  const auto* type = request.headers.find("Content-Type");
  if (type == nullptr || request.headers.count("Content-Type") != 1) return false;
  auto name = std::string_view(*type).substr(0, type->find(';'));
  while (name.ends_with(' ')) name.remove_suffix(1);
  return same_ignoring_case(name, kType);
}

}  // namespace

Result<Form> Form::parse(const ServerRequest& request) {
  if (!is_form(request))
    return fail(ErrorCode::unsupported, "cannot read form: want Content-Type " + std::string(kType));
  auto fields = parse_form_fields(request.body);
  if (!fields) return tl::unexpected(std::move(fields).error());
  std::set<std::string_view> names;
  for (const auto& [name, value] : *fields)
    if (!names.insert(name).second) return fail(ErrorCode::malformed, "cannot read form: a field is there twice");
  Form form;
  form.fields_ = *std::move(fields);
  return form;
}

std::string Form::value(std::string_view name) const {
  const auto field = std::ranges::find(fields_, name, &std::pair<std::string, std::string>::first);
  return field == fields_.end() ? std::string() : field->second;
}

std::string form_text(const std::vector<std::pair<std::string, std::string>>& fields) {
  std::string out;
  for (const auto& [name, value] : fields) {
    if (!out.empty()) out += '&';
    out += percent_encode(name) + '=' + percent_encode(value);
  }
  return out;
}

}  // namespace dd::net
