// Whether a request may become a WebSocket (RFC 6455, 4.2.1), judged before anybody is asked who sent it.
#pragma once

#include <optional>

#include "libdd/net/http_server.hpp"

namespace dd::net {

/// unsupported when it does not ask for one of version 13; permission_denied with reason origin_mismatch when a page of another host sent it. Only
/// browsers send an Origin, and they always do; the scheme is not compared, since behind a tunnel nobody knows it.
[[nodiscard]] std::optional<Error> web_socket_problem(const ServerRequest& request);

/// `answer` to such a problem, with the status and headers that belong to it.
[[nodiscard]] ServerResponse web_socket_refusal(const Error& problem, ServerResponse answer);

}  // namespace dd::net
