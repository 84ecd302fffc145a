// What a redirect asks for. Free of the HTTP library, which would forward credentials to another origin.
#pragma once

#include <optional>

#include "dd/http.hpp"

namespace dd::net {

/// The request that `response` asks for after `request`, or nullopt when the response is to be handed over as it is: no redirect, none left
/// (`max_redirects`), no usable Location, a way from https to http, or one from elsewhere to an address of this machine or of its link (a
/// name that resolves to one is not seen). To another origin go only headers that say nothing about the caller
/// (RFC 9110, 15.4): no Authorization, Cookie or API key of any name.
[[nodiscard]] std::optional<HttpRequest> follow_redirect(const HttpRequest& request, const HttpResponse& response);

}  // namespace dd::net
