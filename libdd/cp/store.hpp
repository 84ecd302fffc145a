// The control plane's memory: agents in process, written through to the registry off the io thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dd/clock.hpp"
#include "dd/random.hpp"
#include "dd/registry.hpp"
#include "libdd/cp/agent_record.hpp"
#include "libdd/net/task.hpp"

namespace dd::cp {

/// A tunnel whose creation was begun and not yet recorded with an agent.
struct JournalEntry {
  std::string name;
  std::string vm_name;
  std::int64_t begun_at = 0;  // unix seconds; 0: journal_tunnel() takes now
  std::string tunnel_id = {};  // once it is known
};

/// Use on one io thread; the registry's calls run on `pool`. Every change is durable before its Task ends.
class Store {
 public:
  Store(std::shared_ptr<Registry> registry, asio::thread_pool& pool, const Clock& clock, Random& random);

  /// Reads all agents; those that were live are `unknown` until their next proven poll.
  net::Task<Result<void>> load();

  /// 32 random bytes under `name`, made at first use and kept.
  net::Task<Result<Bytes>> secret(std::string name);
  /// Text under `name` of the control plane itself, or nullopt.
  net::Task<Result<std::optional<std::string>>> setting(std::string name);
  net::Task<Result<void>> set_setting(std::string name, std::string value);

  /// Errors: unauthenticated, reason nonce_spent, at its second use.
  net::Task<Result<void>> spend_nonce(Digest256 nonce, std::int64_t expires_at);
  /// The first key that shows a ticket owns it, for the VM name that it shows it for; it may show it again.
  /// Errors: unauthenticated, reason join_credential_invalid, for anyone else and any other name.
  net::Task<Result<void>> claim_ticket(std::string ticket_id, std::string kid, std::string vm_name,
                                       std::int64_t expires_at);
  /// Forgets spent nonces and tickets that have expired anyway.
  net::Task<Result<void>> purge_spent();

  net::Task<Result<void>> journal_tunnel(JournalEntry entry);
  net::Task<Result<std::vector<JournalEntry>>> journal();
  net::Task<Result<void>> forget_tunnel(std::string name);

  /// Whether an agent of that VM name has ever registered with attestation.
  net::Task<Result<bool>> was_native(std::string vm_name);

  /// Puts the record and takes its tunnel's name out of the journal, in one step.
  net::Task<Result<void>> save(AgentRecord record);
  net::Task<Result<void>> erase(std::string agent_id);

  net::Task<Result<void>> deny(std::string kid, std::string reason);
  [[nodiscard]] bool is_denied(std::string_view kid) const;

  /// Valid until the next co_await. nullptr when there is none.
  [[nodiscard]] const AgentRecord* find(std::string_view agent_id) const;
  /// Whether the tunnel of that name belongs to an agent, one that is being dropped included.
  [[nodiscard]] bool has_tunnel(std::string_view name) const;
  /// The live agent of that VM name.
  [[nodiscard]] const AgentRecord* find_live(std::string_view vm_name) const;
  /// Whether the key is an agent of that VM name, or was and is still remembered.
  [[nodiscard]] bool remembers(std::string_view vm_name, std::string_view kid) const;
  /// The one of that VM name and key that is gone, was dropped for silence or expiry alone, and not before `since`.
  [[nodiscard]] const AgentRecord* find_renewable(std::string_view vm_name, std::string_view kid,
                                                  std::int64_t since) const;
  [[nodiscard]] std::vector<AgentRecord> all() const;

 private:
  net::Task<Result<void>> apply(std::vector<RegistryChange> changes);
  net::Task<Result<std::vector<std::pair<std::string, std::string>>>> list(std::string table);

  std::shared_ptr<Registry> registry_;
  asio::thread_pool& pool_;
  const Clock& clock_;
  Random& random_;
  std::map<std::string, AgentRecord, std::less<>> agents_;
  std::map<std::string, std::string, std::less<>> denied_;  // kid → reason
};

}  // namespace dd::cp
