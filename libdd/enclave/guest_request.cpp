#include "libdd/enclave/guest_request.hpp"

#include <nlohmann/json.hpp>

namespace dd::enclave {
namespace {

constexpr std::size_t kMaxItems = 256;
// MAX_ARG_STRLEN with its NUL.
constexpr std::size_t kMaxItemBytes = 128 * 1024 - 1;
constexpr std::int64_t kDefaultTimeout = 60;
constexpr std::int64_t kMaxTimeout = 3600;

bool is_without_nul(std::string_view text) { return text.find('\0') == std::string_view::npos; }
bool is_app_name(std::string_view text) { return valid_app_name(text); }
bool is_mode(std::string_view text) { return text == "raw" || text == "framed"; }

GuestRequest read_guest(ObjectReader& reader, const char* type) {
  GuestRequest guest;
  guest.type = type;
  guest.cmd = reader.texts("cmd", kMaxItems, {0, kMaxItemBytes, is_without_nul, "a text below 128 KiB without NUL"});
  if (!guest.cmd.empty() && guest.cmd.front().empty())
    reader.problem("cmd[0]", ErrorCode::invalid_argument, "want a path or the name of a program");
  guest.app_name = reader.optional_text("app", {1, 64, is_app_name, "the name of a workload"}).value_or("");
  guest.privileged = reader.boolean("privileged", false);
  return guest;
}

}  // namespace

Result<ExecRequest> exec_request_from(const Json& request) {
  ObjectReader reader(request, "$");
  if (reader.find("cmd") == nullptr) return fail_at(ErrorCode::malformed, "$.cmd", "missing cmd array");
  ExecRequest exec;
  exec.guest = read_guest(reader, "exec");
  exec.timeout =
      std::chrono::seconds(reader.optional_integer("timeout_secs", 1, kMaxTimeout).value_or(kDefaultTimeout));
  if (reader.error()) return tl::unexpected(*reader.error());
  if (exec.guest.cmd.empty()) return fail_at(ErrorCode::invalid_argument, "$.cmd", "cmd array is empty");
  return exec;
}

Result<AttachRequest> attach_request_from(const Json& request) {
  ObjectReader reader(request, "$");
  AttachRequest attach;
  attach.guest = read_guest(reader, "attach");
  const auto size = [&reader](const char* name, std::int64_t otherwise) {
    return static_cast<std::uint16_t>(
        reader.optional_integer(name, 1, protocol::WindowSize::kMaxWindow).value_or(otherwise));
  };
  attach.window.cols = size("cols", attach.window.cols);
  attach.window.rows = size("rows", attach.window.rows);
  attach.framed = reader.optional_text("mode", {1, 16, is_mode, "raw or framed"}) == "framed";
  if (reader.error()) return tl::unexpected(*reader.error());
  if (attach.guest.cmd.empty()) attach.guest.cmd = {"/bin/sh"};
  return attach;
}

}  // namespace dd::enclave
