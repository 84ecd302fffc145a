// Who may send a registration: what is asked while its body, the event log of megabytes, is still unread (docs/wire.md, 5.2).
#pragma once

#include <chrono>
#include <string>

#include "libdd/cp/context.hpp"
#include "libdd/net/http_server.hpp"
#include "libdd/protocol/registration.hpp"

namespace dd::cp {

/// Of a challenge.
inline constexpr std::chrono::seconds kNonceLife{120};

/// A stranger costs a nonce's MAC and a signature here, and leaves nothing behind: the nonce is spent, on disk, once his credential was good.
class RegisterGate {
 public:
  explicit RegisterGate(Context& context) : context_(context) {}

  /// For the route: the head's shape, its nonce and signature, that the key is not revoked, the credential; then the nonce is spent. The principal
  /// is kByCredential or kByKey.
  net::Task<Result<std::string>> authenticate(const net::ServerRequest& request);

  static constexpr const char* kByCredential = "credential";
  static constexpr const char* kByKey = "key";  // which holds the name, or may have it back

  /// What authenticate() accepted. Errors: as there.
  [[nodiscard]] Result<protocol::RegisterHead> head_of(const net::ServerRequest& request) const;
  /// The key holds the name, or nobody does and it may renew.
  [[nodiscard]] bool needs_no_credential(const std::string& vm_name, const std::string& kid) const;
  /// The entry that this key may have back, without a new credential.
  [[nodiscard]] const AgentRecord* renewable(const std::string& vm_name, const std::string& kid) const;

 private:
  /// Whether a good one was shown; false where none is needed.
  net::Task<Result<bool>> check_credential(Secret credential, std::string kid, std::string vm_name, std::string client);
  /// Of a ticket or a person.
  net::Task<Result<void>> check_shown(Secret credential, std::string kid, std::string vm_name, std::string client);
  net::Task<Result<void>> check_ticket(std::string ticket, std::string kid, std::string vm_name);

  Context& context_;
};

/// The name's holder is alive and another key.
[[nodiscard]] tl::unexpected<Error> name_held(const std::string& vm_name);

}  // namespace dd::cp
