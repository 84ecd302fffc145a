#include "libdd/protocol/fetch.hpp"

#include <nlohmann/json.hpp>

#include "libdd/protocol/fields.hpp"

namespace dd::protocol {
namespace {

Json value_of(const GetAsset& order) {
  return {{"order", "get"},           {"api_url", order.api_url},     {"repo", order.repo},
          {"tag", order.tag},         {"asset", order.asset},         {"token", order.token.reveal()},
          {"ca_file", order.ca_file}, {"max_bytes", order.max_bytes}, {"deadline_ms", order.deadline_ms}};
}

Json value_of(const UnpackArchive& order) {
  return {{"order", "unpack"}, {"max_bytes", order.max_bytes}, {"max_entries", order.max_entries}};
}

Json value_of(const AssetFound& report) {
  return {{"report", "found"}, {"tag", report.tag}, {"size", report.size}, {"digest", report.digest}};
}

Json value_of(const FetchProgress& report) { return {{"report", "progress"}, {"bytes", report.bytes}}; }

Json value_of(const FetchDone&) { return {{"report", "done"}}; }

// What its reader takes, with every byte in three when they are no UTF-8.
constexpr std::size_t kMaxMessage = 4096 / 3;

Json value_of(const Error& error) {
  return {{"report", "error"}, {"code", to_string(error.code)}, {"message", error.message.substr(0, kMaxMessage)}};
}

template <class Message>
std::string line_of(const Message& message) {
  return to_text(std::visit([](const auto& which) { return value_of(which); }, message));
}

FetchOrder read_get(ObjectReader& reader) {
  GetAsset order;
  order.api_url = reader.text("api_url");
  order.ca_file = reader.text("ca_file");
  order.repo = reader.text("repo");
  order.tag = reader.text("tag");
  order.asset = reader.text("asset");
  order.token = Secret(reader.text("token"));
  order.max_bytes = read_count(reader, "max_bytes");
  order.deadline_ms = read_count(reader, "deadline_ms");
  return order;
}

FetchOrder read_unpack(ObjectReader& reader) {
  UnpackArchive order;
  order.max_bytes = read_count(reader, "max_bytes");
  order.max_entries = read_count(reader, "max_entries");
  return order;
}

FetchReport read_found(ObjectReader& reader) {
  AssetFound report;
  report.tag = reader.text("tag");
  report.size = read_count(reader, "size");
  report.digest = reader.text("digest");
  return report;
}

Result<Json> parse_line(std::string_view line) {
  return parse_json(line, {.max_bytes = kMaxFetchLine, .max_depth = 2});
}

}  // namespace

std::string to_line(const FetchOrder& order) { return line_of(order); }
std::string to_line(const FetchReport& report) { return line_of(report); }

Result<FetchOrder> fetch_order_from(std::string_view line) {
  const auto value = parse_line(line);
  if (!value) return tl::unexpected(value.error());
  ObjectReader reader(*value, "$");
  const auto kind = reader.text("order");
  if (kind == "get") return finish(reader, read_get(reader));
  if (kind == "unpack") return finish(reader, read_unpack(reader));
  reader.problem("order", ErrorCode::invalid_argument, "want get or unpack");
  return tl::unexpected(*reader.error());
}

Result<FetchReport> fetch_report_from(std::string_view line) {
  const auto value = parse_line(line);
  if (!value) return tl::unexpected(value.error());
  ObjectReader reader(*value, "$");
  const auto kind = reader.text("report");
  FetchReport report;
  if (kind == "found") {
    report = read_found(reader);
  } else if (kind == "progress") {
    report = FetchProgress{read_count(reader, "bytes")};
  } else if (kind == "done") {
    report = FetchDone{};
  } else if (kind == "error") {
    const auto code = error_code_from(reader.text("code"));
    report = Error{code, reader.text("message")};
  } else {
    reader.problem("report", ErrorCode::invalid_argument, "want found, progress, done or error");
  }
  return finish(reader, std::move(report));
}

}  // namespace dd::protocol
