// How a FleetClient reaches the control plane and the agents: their URLs, the credential, and answers as JSON.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "dd/fleet_client.hpp"
#include "libdd/core/json.hpp"
#include "libdd/net/url.hpp"

namespace dd {

/// An answer that we cannot read is the fault of whoever answered, not of our caller.
[[nodiscard]] tl::unexpected<Error> bad_answer(Error error);

struct FleetClient::Connection {
  net::Url cp;
  /// Of the agents' URLs; 0: the scheme's default.
  std::uint16_t agent_port = 0;
  Secret credential;
  std::chrono::milliseconds deadline{};
  std::shared_ptr<HttpTransport> transport;

  enum class Identity { owner, nobody };

  [[nodiscard]] static Result<Connection> open(FleetClientOptions options);

  /// A request to the control plane, with our deadline; `target` starts with '/'.
  [[nodiscard]] HttpRequest to_cp(std::string method, std::string_view target) const;
  /// A request to the agent with that hostname. Errors: invalid_argument when it is no plain hostname: it becomes part of a URL
  /// that the credential is sent to.
  [[nodiscard]] Result<HttpRequest> to_agent(std::string method, std::string_view hostname,
                                             std::string_view target) const;

  /// The body of a 2xx answer. Errors: what the fleet said, or what the transport did.
  [[nodiscard]] Result<std::string> call(HttpRequest request, Identity identity = Identity::owner) const;
  /// The same as JSON. Errors also: upstream.
  [[nodiscard]] Result<Json> call_json(HttpRequest request, Identity identity = Identity::owner) const;
  /// The same as a message that `read` understands.
  template <class Message>
  [[nodiscard]] Result<Message> ask(HttpRequest request, Result<Message> (*read)(const Json&),
                                    Identity identity = Identity::owner) const {
    const auto value = call_json(std::move(request), identity);
    if (!value) return tl::unexpected(value.error());
    auto message = read(*value);
    if (!message) return bad_answer(std::move(message).error());
    return message;
  }

  /// A POST that starts a deployment.
  [[nodiscard]] Result<Deployed> start(std::string_view agent, const std::string& path, std::string_view body,
                                       std::optional<std::chrono::milliseconds> wait) const;
  /// A call that ends those of an app.
  [[nodiscard]] Result<Mopped> end(std::string method, std::string_view agent, const std::string& path) const;
  /// GET /logs/{app} with that query.
  [[nodiscard]] Result<WorkloadLogs> logs(std::string_view agent, std::string_view app, const std::string& query) const;
};

}  // namespace dd
