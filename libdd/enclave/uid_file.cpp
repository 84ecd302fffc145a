#include "libdd/enclave/uid_file.hpp"

#include <unistd.h>

#include <set>

#include <nlohmann/json.hpp>

#include "dd/log.hpp"
#include "libdd/core/json.hpp"
#include "libdd/core/text_file.hpp"
#include "libdd/enclave/system_error.hpp"
#include "libdd/enclave/temporary_file.hpp"
#include "libdd/enclave/uid_pool.hpp"

namespace dd::enclave {
namespace {

constexpr std::size_t kMostBytes = 1024 * 1024;

Result<UidsByApp> uids_from(const std::string& text, uid_t base) {
  const auto value = parse_json(text);
  if (!value) return tl::unexpected(value.error());
  ObjectReader reader(*value, "$");
  const auto made_for = reader.integer("base", 0, 0xffffffff);
  const auto* apps = reader.object("apps");
  if (reader.error()) return tl::unexpected(*reader.error());
  UidsByApp uids;
  if (made_for != base) return uids;
  std::set<std::int64_t> seen;
  ObjectReader entries(*apps, "$.apps");
  for (const auto& [app, uid] : apps->items()) {
    const auto number = entries.integer(app.c_str(), base + 1, base + kWorkloadUids);
    if (!entries.error() && !seen.insert(number).second)
      entries.problem(app.c_str(), ErrorCode::conflict, "another app has this uid");
    uids.emplace(app, static_cast<uid_t>(number));
  }
  if (entries.error()) return tl::unexpected(*entries.error());
  return uids;
}

Result<void> write_text(const std::filesystem::path& path, const std::string& text) {
  auto file = TemporaryFile::make(path.parent_path());
  if (!file) return tl::unexpected(file.error());
  if (write(file->fd(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    return system_failure("cannot write " + path.string());
  return file->rename_to(path);
}

}  // namespace

UidsByApp read_uids(const std::filesystem::path& file, uid_t base) {
  if (!std::filesystem::exists(file)) return {};
  const auto text = read_text_file(file.string(), kMostBytes);
  auto uids = text ? uids_from(*text, base) : tl::unexpected(text.error());
  if (!uids) log::warning("cannot read which app has which uid", {{"error", uids.error().message}});
  return std::move(uids).value_or(UidsByApp());
}

void write_uids(const std::filesystem::path& file, uid_t base, const UidsByApp& uids) {
  const Json value = {{"base", base}, {"apps", uids}};
  if (const auto written = write_text(file, to_text(value)); !written)
    log::warning("cannot keep which app has which uid", {{"error", written.error().message}});
}

}  // namespace dd::enclave
