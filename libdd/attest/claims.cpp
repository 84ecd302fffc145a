#include "dd/claims.hpp"

#include <nlohmann/json.hpp>

#include "libdd/core/json.hpp"

namespace dd {
namespace {

constexpr std::int64_t kLargest = (std::int64_t{1} << 53) - 1;

/// Little-endian, as the quote has it and Intel writes it: "0000001000000000" is bit 28.
std::array<std::byte, 8> bytes_of(std::uint64_t value) {
  std::array<std::byte, 8> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(value >> (8 * i) & 0xff);
  return bytes;
}

std::string hex64(std::uint64_t value) { return to_hex(bytes_of(value)); }

template <std::size_t N>
void read(ObjectReader& reader, const char* name, std::array<std::byte, N>& out) {
  const auto bytes = reader.hex(name, N);
  if (bytes.size() == N) std::copy(bytes.begin(), bytes.end(), out.begin());
}

void read(ObjectReader& reader, const char* name, std::uint64_t& out) {
  std::array<std::byte, 8> bytes{};
  read(reader, name, bytes);
  out = 0;
  for (std::size_t i = bytes.size(); i-- > 0;) out = out << 8 | std::to_integer<std::uint64_t>(bytes[i]);
}

Json report_to_json(const TdReport& report) {
  Json value = {{"tee_tcb_svn", to_hex(report.tee_tcb_svn)},
                {"mrseam", to_hex(report.mrseam)},
                {"mrsignerseam", to_hex(report.mrsignerseam)},
                {"seam_attributes", hex64(report.seam_attributes)},
                {"td_attributes", hex64(report.td_attributes)},
                {"xfam", hex64(report.xfam)},
                {"mrtd", to_hex(report.mrtd)},
                {"mrconfigid", to_hex(report.mrconfigid)},
                {"mrowner", to_hex(report.mrowner)},
                {"mrownerconfig", to_hex(report.mrownerconfig)},
                {"report_data", to_hex(report.report_data)}};
  for (std::size_t i = 0; i < report.rtmr.size(); ++i) value["rtmr" + std::to_string(i)] = to_hex(report.rtmr[i]);
  if (report.tee_tcb_svn2) value["tee_tcb_svn2"] = to_hex(*report.tee_tcb_svn2);
  if (report.mrservicetd) value["mrservicetd"] = to_hex(*report.mrservicetd);
  return value;
}

TdReport report_from(ObjectReader& reader) {
  TdReport report;
  read(reader, "tee_tcb_svn", report.tee_tcb_svn);
  read(reader, "mrseam", report.mrseam);
  read(reader, "mrsignerseam", report.mrsignerseam);
  read(reader, "seam_attributes", report.seam_attributes);
  read(reader, "td_attributes", report.td_attributes);
  read(reader, "xfam", report.xfam);
  read(reader, "mrtd", report.mrtd);
  read(reader, "mrconfigid", report.mrconfigid);
  read(reader, "mrowner", report.mrowner);
  read(reader, "mrownerconfig", report.mrownerconfig);
  for (std::size_t i = 0; i < report.rtmr.size(); ++i)
    read(reader, ("rtmr" + std::to_string(i)).c_str(), report.rtmr[i]);
  read(reader, "report_data", report.report_data);
  if (reader.find("tee_tcb_svn2") != nullptr) read(reader, "tee_tcb_svn2", report.tee_tcb_svn2.emplace());
  if (reader.find("mrservicetd") != nullptr) read(reader, "mrservicetd", report.mrservicetd.emplace());
  return report;
}

/// Collects the fields that differ, compared as decoded bytes.
class Comparison {
 public:
  void bytes(const char* field, ByteView before, ByteView after) { text(field, to_hex(before), to_hex(after)); }
  void number(const char* field, std::uint64_t before, std::uint64_t after) {
    text(field, hex64(before), hex64(after));
  }
  void text(const char* field, const std::string& before, const std::string& after) {
    if (before != after) found_.push_back({field, before, after});
  }
  std::vector<Drift> take() { return std::move(found_); }

 private:
  std::vector<Drift> found_;
};

}  // namespace

Json to_json_value(const TdxClaims& claims) {
  return {{"report", report_to_json(claims.report)},
          {"tcb_status", claims.tcb_status},
          {"advisory_ids", claims.advisory_ids},
          {"attester_type", claims.attester_type},
          {"debug", claims.debug},
          {"issuer", claims.issuer},
          {"token_id", claims.token_id},
          {"issued_at", claims.issued_at},
          {"expires_at", claims.expires_at},
          {"simulated", claims.simulated}};
}

Result<TdxClaims> tdx_claims_from(const Json& value) {
  TdxClaims claims;
  ObjectReader reader(value, "$");
  const Json* report = reader.object("report");
  claims.tcb_status = reader.text("tcb_status");
  claims.advisory_ids = reader.texts("advisory_ids", 1024);
  claims.attester_type = reader.text("attester_type");
  claims.debug = reader.required_boolean("debug");
  claims.issuer = reader.text("issuer");
  claims.token_id = reader.text("token_id");
  claims.issued_at = reader.integer("issued_at", 0, kLargest);
  claims.expires_at = reader.integer("expires_at", 0, kLargest);
  claims.simulated = reader.required_boolean("simulated");
  reader.refuse_unknown();
  if (reader.error()) return wrap(*reader.error(), "cannot read TDX claims");
  ObjectReader inner(*report, "$.report");
  claims.report = report_from(inner);
  inner.refuse_unknown();
  if (inner.error()) return wrap(*inner.error(), "cannot read TDX claims");
  // Other spellings (hex in upper case, a member that is null) were not written by us.
  if (to_json_value(claims) != value)
    return fail(ErrorCode::malformed, "cannot read TDX claims: not in the form that they are written in");
  return claims;
}

std::vector<Drift> drift_between(const TdxClaims& pinned, const TdxClaims& now) {
  const auto& a = pinned.report;
  const auto& b = now.report;
  Comparison compare;
  compare.bytes("mrtd", a.mrtd, b.mrtd);
  compare.bytes("mrseam", a.mrseam, b.mrseam);
  compare.bytes("mrsignerseam", a.mrsignerseam, b.mrsignerseam);
  compare.number("td_attributes", a.td_attributes, b.td_attributes);
  compare.number("xfam", a.xfam, b.xfam);
  compare.number("seam_attributes", a.seam_attributes, b.seam_attributes);
  compare.bytes("rtmr0", a.rtmr[0], b.rtmr[0]);
  compare.bytes("rtmr1", a.rtmr[1], b.rtmr[1]);
  compare.bytes("rtmr2", a.rtmr[2], b.rtmr[2]);
  compare.bytes("mrconfigid", a.mrconfigid, b.mrconfigid);
  compare.bytes("mrowner", a.mrowner, b.mrowner);
  compare.bytes("mrownerconfig", a.mrownerconfig, b.mrownerconfig);
  compare.bytes("tee_tcb_svn", a.tee_tcb_svn, b.tee_tcb_svn);
  compare.text("attester_type", pinned.attester_type, now.attester_type);
  compare.text("issuer", pinned.issuer, now.issuer);
  compare.text("debug", pinned.debug ? "true" : "false", now.debug ? "true" : "false");
  return compare.take();
}

}  // namespace dd
