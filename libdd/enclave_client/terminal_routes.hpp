// The routes that open a terminal of the runtime: a ticket, and the WebSocket (docs/wire.md, 6.1).
#pragma once

#include <functional>
#include <string>

#include "libdd/enclave_client/enclave_client.hpp"
#include "libdd/enclave_client/tickets.hpp"
#include "libdd/net/http_server.hpp"

namespace dd::enclave_client {

struct TerminalOptions {
  /// Of `POST ticket_path` and the WebSocket at `socket_path`. Both with the placeholder of a workload's name, or both without: a terminal in no workload.
  std::string ticket_path;
  std::string socket_path;
  /// For the banner.
  std::string vm_name;
  std::function<std::string()> attestation;
  /// Who may ask for a ticket, and, but for a cookie alone, open the WebSocket without one.
  net::Authenticate authenticate;
};

/// Use on one io thread; outlives the router.
class TerminalRoutes {
 public:
  /// Borrows all but the options.
  TerminalRoutes(net::asio::any_io_executor executor, EnclaveClient& runtime, const Clock& clock, Random& random,
                 TerminalOptions options)
      : executor_(std::move(executor)), runtime_(runtime), tickets_(clock, random), options_(std::move(options)) {}
  void add_to(net::Router& router);

 private:
  net::Task<Result<net::ServerResponse>> ticket(const net::ServerRequest& request);
  /// A ticket in the query goes before whatever else is accepted, of which a cookie alone is not enough: any page makes a browser send it.
  net::Task<Result<std::string>> admit(const net::ServerRequest& request);
  net::Task<void> talk(std::shared_ptr<net::WebSocket> socket, const net::ServerRequest& request);

  net::asio::any_io_executor executor_;
  EnclaveClient& runtime_;
  Tickets tickets_;
  TerminalOptions options_;
};

}  // namespace dd::enclave_client
