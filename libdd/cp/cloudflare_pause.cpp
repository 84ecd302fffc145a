#include "libdd/cp/cloudflare_pause.hpp"

#include <algorithm>

#include "dd/log.hpp"
#include "libdd/core/decimal.hpp"

namespace dd::cp {
namespace {

constexpr const char* kPausedUntil = "cloudflare_paused_until";  // unix seconds
constexpr std::chrono::seconds kLongest{3600};

net::Task<void> keep(Store& store, std::int64_t until) {
  const auto kept = co_await store.set_setting(kPausedUntil, std::to_string(until));
  if (!kept) log::warning("cannot keep how long Cloudflare wants no call", {{"why", kept.error().message}});
}

}  // namespace

net::Task<Result<std::chrono::seconds>> CloudflarePause::left() {
  const auto kept = co_await store_.setting(kPausedUntil);
  if (!kept) co_return wrap(kept.error(), "cannot read how long Cloudflare wants no call");
  const auto until = decimal<std::int64_t>(kept->value_or("0")).value_or(0);
  const std::chrono::seconds left(until - clock_.unix_seconds());
  co_return std::clamp(left, std::chrono::seconds(0), kLongest);
}

void CloudflarePause::begin(std::chrono::seconds pause) {
  net::spawn(executor_, keep(store_, clock_.unix_seconds() + pause.count()), "pause of Cloudflare's calls");
}

}  // namespace dd::cp
