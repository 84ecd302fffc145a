#include "libdd/cp/store.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "libdd/core/json.hpp"

namespace dd::cp {
namespace {

constexpr const char* kAgents = "agents";
constexpr const char* kJournal = "tunnel_journal";
constexpr const char* kNonces = "spent_nonces";
constexpr const char* kTickets = "spent_tickets";
constexpr const char* kSettings = "settings";
constexpr const char* kDenied = "denied_keys";
constexpr const char* kNative = "native_vms";

constexpr std::size_t kSecretSize = 32;
constexpr std::int64_t kTicketMargin = 3600;  // s, for clocks that go backwards

using Kind = RegistryChange::Kind;
using Rows = std::vector<std::pair<std::string, std::string>>;

/// An empty key would still make nonces, and anyone could make them.
Result<Bytes> secret_from(const std::string& kept, const std::string& name) {
  auto bytes = from_hex(kept);
  if (!bytes) return wrap(bytes.error(), "cannot read " + name);
  if (bytes->size() != kSecretSize)
    return fail(ErrorCode::malformed, "cannot read " + name + ": " + std::to_string(bytes->size()) + " bytes, want " +
                                          std::to_string(kSecretSize));
  return bytes;
}

/// One text of a row, or "" when the row is not what we write.
std::string text_in(const std::string& row, const char* name) {
  const auto value = parse_json(row);
  if (!value) return {};
  ObjectReader reader(*value, "$");
  return reader.optional_text(name).value_or("");
}

/// When a ticket expires; never, when the row is not what we write.
std::int64_t expires_at_in(const std::string& row) {
  constexpr std::int64_t kNever = std::int64_t{1} << 53;
  const auto value = parse_json(row);
  if (!value) return kNever;
  ObjectReader reader(*value, "$");
  return reader.optional_integer("expires_at", 0, kNever).value_or(kNever);
}

/// A row that is not what we write gives an entry that was begun long ago.
JournalEntry journal_entry_from(const std::string& name, const std::string& row) {
  const auto value = parse_json(row);
  if (!value) return {name, {}};
  ObjectReader reader(*value, "$");
  JournalEntry entry{name, reader.optional_text("vm_name").value_or("")};
  entry.begun_at = reader.optional_integer("begun_at", 0, std::int64_t{1} << 53).value_or(0);
  entry.tunnel_id = reader.optional_text("tunnel_id").value_or("");
  return entry;
}

}  // namespace

Store::Store(std::shared_ptr<Registry> registry, asio::thread_pool& pool, const Clock& clock, Random& random)
    : registry_(std::move(registry)), pool_(pool), clock_(clock), random_(random) {}

net::Task<Result<void>> Store::apply(std::vector<RegistryChange> changes) {
  Result<void> outcome;
  std::function<void()> work = [this, &outcome, &changes] { outcome = registry_->apply(changes); };
  co_await net::run_on(pool_, std::move(work));
  co_return outcome;
}

net::Task<Result<Rows>> Store::list(std::string table) {
  Result<Rows> outcome;
  std::function<void()> work = [this, &outcome, &table] { outcome = registry_->list(table); };
  co_await net::run_on(pool_, std::move(work));
  co_return outcome;
}

net::Task<Result<void>> Store::load() {
  const auto agents = co_await list(kAgents);
  if (!agents) co_return wrap(agents.error(), "cannot load agents");
  const auto denied = co_await list(kDenied);
  if (!denied) co_return wrap(denied.error(), "cannot load the deny-list");
  for (const auto& [id, text] : *agents) {
    const auto value = parse_json(text, {.max_bytes = 8 * 1024 * 1024});
    if (!value) co_return wrap(value.error(), "cannot load agent " + id);
    auto record = agent_record_from(*value);
    if (!record) co_return wrap(record.error(), "cannot load agent " + id);
    // Quarantine outlives a restart: its clock to deletion is already running.
    if (is_live(record->status) && record->status != AgentStatus::quarantined) record->status = AgentStatus::unknown;
    agents_.insert_or_assign(id, *std::move(record));
  }
  for (const auto& [kid, reason] : *denied) denied_.insert_or_assign(kid, reason);
  co_return Result<void>();
}

net::Task<Result<std::optional<std::string>>> Store::setting(std::string name) {
  Result<std::optional<std::string>> outcome;
  std::function<void()> work = [this, &outcome, &name] { outcome = registry_->get(kSettings, name); };
  co_await net::run_on(pool_, std::move(work));
  co_return outcome;
}

net::Task<Result<void>> Store::set_setting(std::string name, std::string value) {
  std::vector<RegistryChange> changes{{Kind::put, kSettings, std::move(name), std::move(value)}};
  co_return co_await apply(std::move(changes));
}

net::Task<Result<Bytes>> Store::secret(std::string name) {
  const auto known = co_await setting(name);
  if (!known) co_return wrap(known.error(), "cannot read " + name);
  if (*known) co_return secret_from(**known, name);
  Bytes fresh(kSecretSize);
  random_.fill(fresh);
  // insert, not put: of two processes that start at once one wins, and both use its key.
  std::vector<RegistryChange> changes{{Kind::insert, kSettings, name, to_hex(fresh)}};
  const auto inserted = co_await apply(std::move(changes));
  if (inserted) co_return fresh;
  if (inserted.error().code != ErrorCode::conflict) co_return wrap(inserted.error(), "cannot keep " + name);
  const auto theirs = co_await setting(name);
  if (!theirs || !*theirs) co_return fail(ErrorCode::unavailable, "cannot read " + name);
  co_return secret_from(**theirs, name);
}

net::Task<Result<void>> Store::spend_nonce(Digest256 nonce, std::int64_t expires_at) {
  std::vector<RegistryChange> changes{{Kind::insert, kNonces, to_hex(nonce), std::to_string(expires_at)}};
  const auto spent = co_await apply(std::move(changes));
  if (!spent && spent.error().code == ErrorCode::conflict)
    co_return fail(ErrorCode::unauthenticated, "nonce_spent", "cannot accept nonce: it was used before");
  co_return spent;
}

net::Task<Result<void>> Store::claim_ticket(std::string ticket_id, std::string kid, std::string vm_name,
                                            std::int64_t expires_at) {
  const Json owner = {{"kid", kid}, {"vm_name", vm_name}, {"expires_at", expires_at}};
  std::vector<RegistryChange> changes{{Kind::insert, kTickets, ticket_id, to_text(owner)}};
  const auto claimed = co_await apply(std::move(changes));
  if (claimed || claimed.error().code != ErrorCode::conflict) co_return claimed;

  Result<std::optional<std::string>> row;
  std::function<void()> work = [this, &row, &ticket_id] { row = registry_->get(kTickets, ticket_id); };
  co_await net::run_on(pool_, std::move(work));
  if (!row) co_return tl::unexpected(row.error());
  const bool same_key = *row && text_in(**row, "kid") == kid;
  if (same_key && text_in(**row, "vm_name") == vm_name) co_return Result<void>();
  const std::string used_by = same_key ? "this key used it for another VM name" : "another key used it";
  co_return fail(ErrorCode::unauthenticated, "join_credential_invalid",
                 "cannot accept join ticket: " + used_by + "; ask for a new one");
}

net::Task<Result<void>> Store::purge_spent() {
  const auto nonces = co_await list(kNonces);
  if (!nonces) co_return tl::unexpected(nonces.error());
  const auto tickets = co_await list(kTickets);
  if (!tickets) co_return tl::unexpected(tickets.error());
  const auto now = clock_.unix_seconds();
  std::vector<RegistryChange> changes;
  for (const auto& [nonce, expires_at] : *nonces)
    if (std::strtoll(expires_at.c_str(), nullptr, 10) < now) changes.push_back({Kind::erase, kNonces, nonce, {}});
  for (const auto& [ticket, row] : *tickets)
    if (expires_at_in(row) + kTicketMargin < now) changes.push_back({Kind::erase, kTickets, ticket, {}});
  if (changes.empty()) co_return Result<void>();
  co_return co_await apply(std::move(changes));
}

net::Task<Result<void>> Store::journal_tunnel(JournalEntry entry) {
  if (entry.begun_at == 0) entry.begun_at = clock_.unix_seconds();
  const Json value = {{"vm_name", entry.vm_name}, {"begun_at", entry.begun_at}, {"tunnel_id", entry.tunnel_id}};
  std::vector<RegistryChange> changes{{Kind::put, kJournal, entry.name, to_text(value)}};
  co_return co_await apply(std::move(changes));
}

net::Task<Result<std::vector<JournalEntry>>> Store::journal() {
  const auto rows = co_await list(kJournal);
  if (!rows) co_return tl::unexpected(rows.error());
  std::vector<JournalEntry> entries;
  for (const auto& [name, row] : *rows) entries.push_back(journal_entry_from(name, row));
  co_return entries;
}

net::Task<Result<void>> Store::forget_tunnel(std::string name) {
  std::vector<RegistryChange> changes{{Kind::erase, kJournal, std::move(name), {}}};
  co_return co_await apply(std::move(changes));
}

net::Task<Result<void>> Store::save(AgentRecord record) {
  std::vector<RegistryChange> changes{{Kind::put, kAgents, record.agent_id, to_text(to_json_value(record))},
                                      {Kind::erase, kJournal, record.agent_id, {}}};
  if (!record.compat && !agents_.contains(record.agent_id))
    changes.push_back({Kind::put, kNative, record.vm_name, "1"});
  const auto saved = co_await apply(std::move(changes));
  if (!saved) co_return wrap(saved.error(), "cannot save agent " + record.agent_id);
  agents_.insert_or_assign(record.agent_id, std::move(record));
  co_return Result<void>();
}

net::Task<Result<bool>> Store::was_native(std::string vm_name) {
  Result<std::optional<std::string>> row;
  std::function<void()> work = [this, &row, &vm_name] { row = registry_->get(kNative, vm_name); };
  co_await net::run_on(pool_, std::move(work));
  if (!row) co_return wrap(row.error(), "cannot look up VM " + vm_name);
  co_return row->has_value();
}

net::Task<Result<void>> Store::erase(std::string agent_id) {
  std::vector<RegistryChange> changes{{Kind::erase, kAgents, agent_id, {}}};
  const auto erased = co_await apply(std::move(changes));
  if (erased) agents_.erase(agent_id);
  co_return erased;
}

net::Task<Result<void>> Store::deny(std::string kid, std::string reason) {
  std::vector<RegistryChange> changes{{Kind::put, kDenied, kid, reason}};
  const auto denied = co_await apply(std::move(changes));
  if (denied) denied_.insert_or_assign(std::move(kid), std::move(reason));
  co_return denied;
}

bool Store::is_denied(std::string_view kid) const { return denied_.contains(kid); }

const AgentRecord* Store::find(std::string_view agent_id) const {
  const auto found = agents_.find(agent_id);
  return found == agents_.end() ? nullptr : &found->second;
}

bool Store::has_tunnel(std::string_view name) const {
  const auto* record = find(name);
  return record != nullptr && record->status != AgentStatus::dropped;
}

const AgentRecord* Store::find_live(std::string_view vm_name) const {
  for (const auto& [id, record] : agents_)
    if (record.vm_name == vm_name && is_live(record.status)) return &record;
  return nullptr;
}

bool Store::remembers(std::string_view vm_name, std::string_view kid) const {
  return std::ranges::any_of(agents_, [&](const auto& entry) {
    const AgentRecord& record = entry.second;
    return !record.compat && record.vm_name == vm_name && record.signing_key.kid() == kid;
  });
}

const AgentRecord* Store::find_renewable(std::string_view vm_name, std::string_view kid, std::int64_t since) const {
  const auto found = std::ranges::find_if(agents_, [&](const auto& entry) {
    const AgentRecord& record = entry.second;
    return record.renewable && !record.compat && !is_live(record.status) && record.dropped_at >= since &&
           record.vm_name == vm_name && record.signing_key.kid() == kid;
  });
  return found == agents_.end() ? nullptr : &found->second;
}

std::vector<AgentRecord> Store::all() const {
  std::vector<AgentRecord> records;
  records.reserve(agents_.size());
  for (const auto& [id, record] : agents_) records.push_back(record);
  return records;
}

}  // namespace dd::cp
