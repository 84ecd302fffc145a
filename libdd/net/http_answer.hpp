// An HTTP answer as bytes: status line, the headers that every answer has, and the uniform error body. Free of Beast.
#pragma once

#include <string>
#include <string_view>

#include "libdd/net/http_server.hpp"

namespace dd::net {

enum class Persistence { keep_alive, close };

/// Status line and headers up to and with the blank line. Content-Length is that of `answer.body`, also for HEAD. A header of the handler's
/// with a control character in it is left out: it would end the header section.
[[nodiscard]] std::string answer_head(const ServerResponse& answer, std::string_view request_id,
                                      Persistence persistence);

/// docs/wire.md, 2. The status is the code's own unless `status` says otherwise (405, 408, 431).
[[nodiscard]] ServerResponse error_answer(const Error& error, std::string_view request_id, int status = 0);

/// Kept when it is `[A-Za-z0-9._-]{1,64}`.
[[nodiscard]] bool is_request_id(std::string_view text) noexcept;
/// Unique in this process, unlike any other process's.
[[nodiscard]] std::string new_request_id();

}  // namespace dd::net
