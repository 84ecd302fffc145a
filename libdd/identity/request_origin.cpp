#include "libdd/identity/request_origin.hpp"

namespace dd::identity {

bool changes_state(std::string_view method) noexcept { return method != "GET" && method != "HEAD"; }

Result<void> check_request_origin(const HttpHeaders& headers, std::string_view origin) {
  const auto* from = headers.find("Origin");
  if (from != nullptr && headers.count("Origin") == 1 && *from == origin) return {};
  return fail(ErrorCode::permission_denied, "origin_mismatch",
              "cannot accept request: its Origin must be " + std::string(origin) + ", once");
}

}  // namespace dd::identity
