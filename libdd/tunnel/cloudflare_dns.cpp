#include "libdd/tunnel/cloudflare_dns.hpp"

#include <algorithm>
#include <iterator>

#include "libdd/core/json.hpp"
#include "libdd/tunnel/cloudflare_tunnels.hpp"

namespace dd::tunnel {
namespace {

std::string text_of(const Json& record, const char* name) {
  const auto found = record.find(name);
  return found != record.end() && found->is_string() ? found->get<std::string>() : std::string();
}

ApiFailure failure_with(ErrorCode code, std::string message) {
  ApiFailure failure;
  failure.error = {code, std::move(message), {}, {}};
  return failure;
}

bool is_occupied(const ApiFailure& failure) {
  return failure.has(api_code::kHostHasRecord) || failure.has(api_code::kHostHasCname) ||
         failure.has(api_code::kRecordExists);
}

bool says_the_same(const Json& record, const Json& document) {
  return text_of(record, "type") == "CNAME" && record_from(record).content == document["content"].get<std::string>() &&
         text_of(record, "comment") == document["comment"].get<std::string>() && record.value("proxied", false);
}

}  // namespace

DnsRecord record_from(const Json& value) {
  return {text_of(value, "id"), text_of(value, "name"), text_of(value, "content"), text_of(value, "comment")};
}

std::string target_of(std::string_view tunnel_id) { return std::string(tunnel_id) + ".cfargotunnel.com"; }

bool is_below(std::string_view name, std::string_view domain) {
  if (!name.ends_with(domain)) return false;
  return name.size() == domain.size() || name[name.size() - domain.size() - 1] == '.';
}

std::string DnsCalls::path_in(const std::string& zone_id) const { return "/zones/" + zone_id + "/dns_records"; }

std::string DnsCalls::path_of(std::string_view name) const {
  const auto& options = api_.options();
  const bool other = !options.other_domain.empty() && is_below(name, options.other_domain);
  return path_in(other ? options.other_zone_id : options.zone_id);
}

std::string DnsCalls::comment_for(std::string_view tunnel_name) const {
  return "dd env=" + api_.options().env + " tunnel=" + std::string(tunnel_name);
}

net::Task<ApiResult<std::vector<DnsRecord>>> DnsCalls::of_tunnel(std::string tunnel_id, TimePoint until) {
  const auto& options = api_.options();
  std::vector<std::string> zones{options.zone_id};
  if (!options.other_domain.empty()) zones.push_back(options.other_zone_id);
  std::vector<DnsRecord> records;
  for (const auto& zone : zones) {
    auto listing = list(path_in(zone), tunnel_id, until);
    auto found = co_await std::move(listing);
    if (!found) co_return found;
    std::ranges::move(*found, std::back_inserter(records));
  }
  co_return records;
}

net::Task<ApiResult<std::vector<DnsRecord>>> DnsCalls::list(std::string path, std::string tunnel_id, TimePoint until) {
  const auto target = target_of(tunnel_id);
  ApiCall call{
      .method = "GET", .path = std::move(path), .what = "list the DNS records of tunnel " + tunnel_id, .until = until};
  call.query = {{"type", "CNAME"}, {"content.exact", target}};
  const auto items = co_await api_.list(std::move(call));
  if (!items) co_return tl::unexpected(items.error());
  std::vector<DnsRecord> records;
  for (const auto& item : *items)
    if (auto record = record_from(item); record.content == target && text_of(item, "type") == "CNAME")
      records.push_back(std::move(record));
  co_return records;
}

bool DnsCalls::may_take_over(const Json& record, const std::string& target) const {
  if (text_of(record, "type") != "CNAME") return false;
  return text_of(record, "content") == target ||
         text_of(record, "comment").starts_with(comment_for("dd-" + api_.options().env + "-"));
}

net::Task<ApiResult<void>> DnsCalls::point(std::string name, std::string tunnel_id, std::string tunnel_name,
                                           TimePoint until) {
  Json document = {{"type", "CNAME"}, {"name", name}, {"content", target_of(tunnel_id)}, {"proxied", true}, {"ttl", 1}};
  document["comment"] = comment_for(tunnel_name);
  auto waits = api_.backoff();
  for (;;) {
    auto creating = create(document, until);
    auto created = co_await std::move(creating);
    if (created || created.error().has(api_code::kIdenticalRecord)) co_return ApiResult<void>();
    // What the create met, or left behind when its answer was lost.
    if (!is_occupied(created.error()) && created.error().effect == Effect::none) co_return created;
    auto taking = take_over(document, until);
    auto taken = co_await std::move(taking);
    if (taken || !taken.error().is_missing()) co_return taken;
    // Occupied and not to be seen: deleted meanwhile, or a list that lags behind.
    const bool again = co_await api_.pause(waits, until);
    if (!again) co_return created;
  }
}

net::Task<ApiResult<std::optional<Json>>> DnsCalls::find(std::string name, TimePoint until) {
  ApiCall search{.method = "GET", .path = path_of(name), .what = "find DNS record " + name, .until = until};
  search.query = {{"name.exact", name}};
  auto items = co_await api_.list(std::move(search));
  if (!items) co_return tl::unexpected(items.error());
  const auto found = std::ranges::find_if(*items, [&](const Json& item) { return text_of(item, "name") == name; });
  std::optional<Json> record;
  if (found != items->end()) record = std::move(*found);
  co_return record;
}

net::Task<ApiResult<void>> DnsCalls::create(Json document, TimePoint until) {
  const auto name = text_of(document, "name");
  ApiCall call{.method = "POST", .path = path_of(name), .what = "create DNS record " + name, .until = until};
  call.body = std::move(document);
  const auto answer = co_await api_.call(std::move(call));
  if (!answer) co_return tl::unexpected(answer.error());
  co_return ApiResult<void>();
}

net::Task<ApiResult<void>> DnsCalls::take_over(Json document, TimePoint until) {
  const auto name = text_of(document, "name");
  auto finding = find(name, until);
  const auto search = co_await std::move(finding);
  if (!search) co_return tl::unexpected(search.error());
  const auto& found = *search;
  if (!found) co_return tl::unexpected(failure_with(ErrorCode::not_found, "cannot find DNS record " + name));
  if (!may_take_over(*found, text_of(document, "content")))
    co_return tl::unexpected(
        failure_with(ErrorCode::conflict, "cannot point " + name + " to the tunnel: its " + text_of(*found, "type") +
                                              " record is not ours (want the comment \"" + comment_for("...") + "\")"));
  if (says_the_same(*found, document)) co_return ApiResult<void>();
  const auto id = text_of(*found, "id");
  if (!is_object_id(id))
    co_return tl::unexpected(
        failure_with(ErrorCode::upstream, "cannot replace DNS record " + name + ": its id is not 32 hex digits"));
  // One PUT: between a delete and a create resolvers would remember that the name does not exist.
  ApiCall replace{
      .method = "PUT", .path = path_of(name) + "/" + id, .what = "replace DNS record " + name, .until = until};
  replace.body = std::move(document);
  const auto answer = co_await api_.call(std::move(replace));
  if (!answer) co_return tl::unexpected(answer.error());
  co_return ApiResult<void>();
}

net::Task<ApiResult<void>> DnsCalls::remove(DnsRecord record, TimePoint until) {
  if (!is_object_id(record.id))
    co_return tl::unexpected(
        failure_with(ErrorCode::upstream, "cannot delete DNS record " + record.name + ": its id is not 32 hex digits"));
  ApiCall call{.method = "DELETE",
               .path = path_of(record.name) + "/" + record.id,
               .what = "delete DNS record " + record.name,
               .until = until};
  const auto answer = co_await api_.call(std::move(call));
  if (!answer && !answer.error().is_missing()) co_return tl::unexpected(answer.error());
  co_return ApiResult<void>();
}

}  // namespace dd::tunnel
