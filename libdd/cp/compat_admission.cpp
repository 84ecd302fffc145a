#include "libdd/cp/compat_admission.hpp"

#include <nlohmann/json.hpp>

#include "libdd/core/json.hpp"
#include "libdd/cp/compat_vms.hpp"

namespace dd::cp {

net::Task<Result<void>> may_be_compat(const Context& context, std::string vm_name) {
  const auto refuse = [](const std::string& why) { return fail(ErrorCode::invalid_argument, why); };
  const auto listed = check_compat_vm(context.options.compat_vms, vm_name, context.clock.unix_seconds());
  if (!listed) co_return refuse(listed.error().message);
  if (context.store.is_denied("compat:" + vm_name))
    co_return refuse("cannot serve VM " + vm_name + " without attestation: it was revoked");
  const auto native = co_await context.store.was_native(vm_name);
  if (!native) co_return tl::unexpected(native.error());
  if (*native)
    co_return refuse("cannot serve VM " + vm_name +
                     " without attestation: it has registered with it, and cannot go back");
  co_return Result<void>();
}

void fill_compat(AgentRecord& record, const TdxClaims& token, const Verdict& verdict, std::int64_t now) {
  record.compat = true;
  record.status = AgentStatus::healthy;
  record.reason.clear();
  record.registered_at = record.last_seen = now;
  record.failed_polls = 0;
  record.pins = token;
  record.verdict = to_text(dd::to_json_value(verdict));
  record.tcb_status = token.tcb_status;
  record.token_expires_at = token.expires_at;
}

}  // namespace dd::cp
