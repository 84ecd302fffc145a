// An Error as the JSON body of an HTTP answer or as an answer line (docs/wire.md, 2 and 8), and back.
#pragma once

#include <string>
#include <string_view>

#include "dd/error.hpp"
#include "dd/http.hpp"

namespace dd::net {

/// `{"code","message","path"?,"reason"?,"request_id"}`.
[[nodiscard]] std::string error_body(const Error& error, std::string_view request_id);

/// `{"ok":false,"error","code","path"?,"reason"?}` for the JSON-lines sockets.
[[nodiscard]] std::string line_error(const Error& error);

/// An answer that is not 2xx as an Error: the body's own code, message, path and reason when it is ours, else `upstream` with the status
/// and the first bytes.
[[nodiscard]] Error error_from(const HttpResponse& response);

}  // namespace dd::net
