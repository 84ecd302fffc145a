#include "libdd/tunnel/dns.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "libdd/core/json.hpp"
#include "libdd/net/url.hpp"

namespace dd::tunnel {
namespace {

std::string target_of(const std::string& tunnel_id) { return tunnel_id + ".cfargotunnel.com"; }

std::string text_of(const Json& item, const char* name) {
  const auto found = item.find(name);
  return found != item.end() && found->is_string() ? found->get<std::string>() : std::string();
}

DnsRecord record_from(const Json& item) { return {text_of(item, "id"), text_of(item, "name"), text_of(item, "content"), text_of(item, "comment")}; }

}  // namespace

std::string Dns::path() const { return "/zones/" + options_.zone_id + "/dns_records"; }

Json Dns::record_for(const std::string& tunnel_id, const std::string& tunnel_name, const std::string& hostname) const {
  return {{"type", "CNAME"}, {"name", hostname}, {"content", target_of(tunnel_id)}, {"proxied", true}, {"ttl", 1},
          {"comment", fmt::format("dd env={} tunnel={}", options_.env, tunnel_name)}};
}

net::Task<Result<std::vector<DnsRecord>>> Dns::pointing_at(std::string tunnel_id) {
  const auto target = target_of(tunnel_id);
  const auto items = co_await api_.list(path(), "type=CNAME&content.exact=" + net::percent_encode(target));
  if (!items) co_return wrap(to_error(items.error()), "cannot list DNS records");
  std::vector<DnsRecord> records;
  // The filter saves pages; what is deleted is decided here.
  for (const auto& item : *items)
    if (auto record = record_from(item); record.content == target) records.push_back(std::move(record));
  co_return records;
}

net::Task<Result<void>> Dns::put(std::string tunnel_id, std::string tunnel_name, std::vector<std::string> hostnames) {
  const auto existing = co_await pointing_at(tunnel_id);
  if (!existing) co_return tl::unexpected(existing.error());
  for (const auto& hostname : hostnames) {
    const bool there = std::any_of(existing->begin(), existing->end(), [&](const auto& record) { return record.name == hostname; });
    if (there) continue;
    const auto created = co_await create(tunnel_id, tunnel_name, hostname);
    if (!created) co_return created;
  }
  for (const auto& record : *existing) {
    if (std::find(hostnames.begin(), hostnames.end(), record.name) != hostnames.end()) continue;
    const auto removed = co_await remove(record);
    if (!removed) co_return removed;
  }
  co_return Result<void>();
}

net::Task<Result<void>> Dns::create(std::string tunnel_id, std::string tunnel_name, std::string hostname) {
  const auto made = co_await api_.call("POST", path(), record_for(tunnel_id, tunnel_name, hostname));
  if (made || made.error().code == kSameRecordExists) co_return Result<void>();
  const auto code = made.error().code;
  // An answer that was lost may have had its effect; the record that is there then is ours.
  const bool exists = code == kHostHasRecord || code == kHostHasCname || code == kRecordExists || made.error().uncertain;
  if (!exists) co_return wrap(to_error(made.error()), "cannot create DNS record " + hostname);
  co_return co_await take_over(std::move(tunnel_id), std::move(tunnel_name), std::move(hostname));
}

net::Task<Result<void>> Dns::take_over(std::string tunnel_id, std::string tunnel_name, std::string hostname) {
  const auto items = co_await api_.list(path(), "name.exact=" + net::percent_encode(hostname));
  if (!items) co_return wrap(to_error(items.error()), "cannot read DNS record " + hostname);
  const auto ours = fmt::format("dd env={} ", options_.env);
  for (const auto& item : *items) {
    const auto record = record_from(item);
    if (record.name != hostname) continue;
    if (record.content == target_of(tunnel_id)) co_return Result<void>();
    if (text_of(item, "type") != "CNAME" || !record.comment.starts_with(ours))
      co_return fail(ErrorCode::conflict, "cannot create DNS record " + hostname + ": a record that is not ours holds the name");
    const auto replaced = co_await api_.call("PUT", path() + "/" + record.id, record_for(tunnel_id, tunnel_name, hostname));
    if (!replaced) co_return wrap(to_error(replaced.error()), "cannot replace DNS record " + hostname);
    co_return Result<void>();
  }
  co_return fail(ErrorCode::unavailable, "cannot create DNS record " + hostname + ": Cloudflare neither makes nor shows it");
}

net::Task<Result<void>> Dns::remove(DnsRecord record) {
  const auto removed = co_await api_.call("DELETE", path() + "/" + record.id, Json());
  if (removed || removed.error().code == kRecordAbsent || removed.error().status == 404) co_return Result<void>();
  co_return wrap(to_error(removed.error()), "cannot delete DNS record " + record.name);
}

net::Task<Result<void>> Dns::remove_all(std::string tunnel_id) {
  const auto records = co_await pointing_at(std::move(tunnel_id));
  if (!records) co_return tl::unexpected(records.error());
  for (const auto& record : *records) {
    const auto removed = co_await remove(record);
    if (!removed) co_return removed;
  }
  co_return Result<void>();
}

}  // namespace dd::tunnel
