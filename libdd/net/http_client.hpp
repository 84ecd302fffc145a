// The outbound HTTP client. The only file that includes cpprestsdk is http_client.cpp.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>

#include "dd/http.hpp"
#include "libdd/net/error_body.hpp"  // error_from
#include "libdd/net/task.hpp"

namespace dd::net {

struct HttpClientOptions {
  /// PEM file of the only authorities to trust; empty: the system's store.
  std::filesystem::path ca_file;
  /// "http://host:port": every connection to a host under `edge_domain` goes there and keeps its own Host header (DD_EDGE_URL); empty: none.
  std::string edge_url;
  /// Hosts equal to it or ending in "." + it use edge_url; empty with an edge_url: all hosts that are not loopback addresses.
  std::string edge_domain;
  std::string user_agent = "libdd";
  /// Idle clients kept, one per origin.
  std::size_t max_origins = 256;
};

/// One client per origin is kept alive; cpprestsdk's pool is sized to two threads on first use. Call it before the second thread starts: it
/// may set SSL_CERT_FILE (trust_store.hpp). Options that cannot work (an unreadable ca_file) answer every request with invalid_argument.
/// No proxy is taken from the environment and no compression is asked for. Behind an https URL that goes to `edge_url` the hop to the edge is
/// as plain as `edge_url` says; there is no certificate of the original host to check.
/// The limit on responses holds for their content; cpprestsdk buffers a header section or a single chunk whole before we see it.
[[nodiscard]] std::shared_ptr<HttpTransport> make_http_transport(HttpClientOptions options);

/// Sends through any transport and resumes on the caller's executor.
Task<Result<HttpResponse>> send(HttpTransport& transport, HttpRequest request);

/// Sends and blocks the calling thread. Never on an I/O thread.
[[nodiscard]] Result<HttpResponse> send_blocking(HttpTransport& transport, HttpRequest request);

}  // namespace dd::net
