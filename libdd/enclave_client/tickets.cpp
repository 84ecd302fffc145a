#include "libdd/enclave_client/tickets.hpp"

#include <array>

#include "libdd/crypto/digest.hpp"

namespace dd::enclave_client {

Result<std::string> Tickets::issue(std::string app_name, std::string principal) {
  drop_expired();
  if (issued_.size() >= kMost)
    return fail(ErrorCode::rate_limited, "cannot issue a ticket: " + std::to_string(kMost) + " wait to be used");
  std::array<std::byte, 32> secret{};
  random_.fill(secret);
  auto ticket = to_base64url(secret);
  issued_[crypto::sha256(as_bytes(ticket))] = {std::move(app_name), std::move(principal), clock_.now() + kLife};
  return ticket;
}

Result<std::string> Tickets::spend(std::string_view ticket, std::string_view app_name) {
  drop_expired();
  auto found = issued_.extract(crypto::sha256(as_bytes(ticket)));
  if (found.empty() || found.mapped().app_name != app_name)
    return fail(ErrorCode::unauthenticated, "ticket_invalid",
                "cannot accept ticket: it is unknown, used, older than 30 s, or for another workload");
  return std::move(found.mapped().principal);
}

void Tickets::drop_expired() {
  std::erase_if(issued_, [now = clock_.now()](const auto& entry) { return entry.second.expires <= now; });
}

}  // namespace dd::enclave_client
