// DNS records of the local edge's API.
#include <nlohmann/json.hpp>

#include "libdd/core/json.hpp"
#include "libdd/local/edge_api.hpp"
#include "libdd/local/edge_envelope.hpp"

namespace dd::local {
namespace {

Json record_json(const EdgeRecord& record) {
  return {{"id", record.id},
          {"type", record.type},
          {"name", record.name},
          {"content", record.content},
          {"comment", record.comment},
          {"proxied", record.proxied},
          {"ttl", 1}};
}

Result<EdgeRecord> record_from(const std::string& body) {
  const auto value = parse_json(body);
  if (!value) return tl::unexpected(value.error());
  ObjectReader reader(*value, "$");
  EdgeRecord record;
  record.type = reader.text("type");
  record.name = reader.text("name", {.least = 1, .most = 253});
  record.content = reader.text("content", {.least = 1, .most = 253});
  record.comment = reader.optional_text("comment", {.most = 100}).value_or("");
  record.proxied = reader.boolean("proxied", false);
  if (reader.error()) return tl::unexpected(*reader.error());
  return record;
}

bool matches(const EdgeRecord& record, const net::ServerRequest& request) {
  const auto equal = [&](const char* name, const std::string& value) {
    const auto wanted = request.query_value(name);
    return !wanted || *wanted == value;
  };
  return equal("type", record.type) && equal("name", record.name) && equal("name.exact", record.name) &&
         equal("content", record.content) && equal("content.exact", record.content);
}

}  // namespace

net::Task<EdgeApi::Answer> EdgeApi::list_records(const net::ServerRequest& request) {
  std::vector<Json> items;
  for (const auto* record : state_.records())
    if (record->zone == request.params.at(0) && matches(*record, request)) items.push_back(record_json(*record));
  co_return cf_page(items, request);
}

net::Task<EdgeApi::Answer> EdgeApi::create_record(const net::ServerRequest& request) {
  auto record = record_from(request.body);
  if (!record) co_return cf_error(400, 1004, record.error().message);
  if (const auto* existing = state_.find_host(record->name); existing != nullptr) {
    if (existing->type == record->type && existing->content == record->content)
      co_return cf_error(400, 81058, "An identical record already exists.");
    co_return cf_error(400, 81053, "An A, AAAA, or CNAME record with that host already exists.");
  }
  record->zone = request.params.at(0);
  co_return cf_result(record_json(state_.add_record(*std::move(record))));
}

net::Task<EdgeApi::Answer> EdgeApi::put_record(const net::ServerRequest& request) {
  auto* existing = state_.find_record(request.params.at(0), request.params.at(1));
  if (existing == nullptr) co_return cf_error(404, 81044, "Record does not exist.");
  auto record = record_from(request.body);
  if (!record) co_return cf_error(400, 1004, record.error().message);
  EdgeState::replace_record(*existing, *std::move(record));
  co_return cf_result(record_json(*existing));
}

net::Task<EdgeApi::Answer> EdgeApi::delete_record(const net::ServerRequest& request) {
  if (state_.find_record(request.params.at(0), request.params.at(1)) == nullptr)
    co_return cf_error(404, 81044, "Record does not exist.");
  state_.delete_record(request.params.at(1));
  co_return cf_result({{"id", request.params.at(1)}});
}

}  // namespace dd::local
