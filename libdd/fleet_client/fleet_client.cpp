#include "dd/fleet_client.hpp"

#include <utility>

#include "libdd/fleet_client/connection.hpp"

namespace dd {

Result<FleetClient> FleetClient::create(FleetClientOptions options) {
  auto connection = Connection::open(std::move(options));
  if (!connection) return tl::unexpected(std::move(connection).error());
  return FleetClient(std::make_unique<const Connection>(*std::move(connection)));
}

FleetClient::FleetClient(std::unique_ptr<const Connection> connection) : connection_(std::move(connection)) {}
FleetClient::FleetClient(FleetClient&&) noexcept = default;
FleetClient& FleetClient::operator=(FleetClient&&) noexcept = default;
FleetClient::~FleetClient() = default;

}  // namespace dd
