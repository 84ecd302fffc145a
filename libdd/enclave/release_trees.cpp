#include "libdd/enclave/release_trees.hpp"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dd/log.hpp"
#include "dd/workload.hpp"
#include "libdd/core/tree_removal.hpp"
#include "libdd/crypto/digest.hpp"
#include "libdd/enclave/system_error.hpp"
#include "libdd/enclave/tree_takeover.hpp"

namespace dd::enclave {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kShownPrograms = 10;
constexpr std::size_t kSearchedEntries = 10'000;

/// For a message: what a user may have meant.
std::string programs_in(const fs::path& tree) {
  std::string names;
  std::size_t shown = 0;
  std::size_t seen = 0;
  std::error_code failed;
  for (fs::recursive_directory_iterator it(tree, failed), end; !failed && it != end && ++seen < kSearchedEntries;
       it.increment(failed)) {
    struct stat info{};
    if (lstat(it->path().c_str(), &info) != 0 || !S_ISREG(info.st_mode) || (info.st_mode & 0111) == 0) continue;
    if (++shown > kShownPrograms) return names + ", …";
    names += (names.empty() ? "" : ", ") + it->path().lexically_relative(tree).string();
  }
  return names.empty() ? "none" : names;
}

void remove_or_say(const fs::path& tree) {
  if (const auto removed = remove_tree(tree); !removed)
    log::warning("an unpacked archive is left", {{"error", removed.error().message}});
}

}  // namespace

IncomingTree::~IncomingTree() {
  if (!path_.empty()) remove_or_say(path_);
}

Result<IncomingTree> ReleaseTrees::make(uid_t uid, gid_t gid) const {
  auto path = (folder_ / ".unpacking-XXXXXX").string();
  if (mkdtemp(path.data()) == nullptr) return system_failure("cannot make a folder in " + folder_.string());
  IncomingTree tree(path, UniqueFd(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)));
  if (tree.fd() < 0 || (uid != geteuid() && fchown(tree.fd(), uid, gid) != 0))
    return system_failure("cannot prepare folder " + path);
  return tree;
}

Result<fs::path> ReleaseTrees::keep(IncomingTree tree, uid_t uid, const std::string& digest) {
  if (auto taken = take_over(tree.fd(), uid); !taken) return tl::unexpected(taken.error());
  auto path = path_of(digest);
  const std::lock_guard lock(mutex_);
  // Two fetches of the same archive: the first one's may be in use.
  if (kept_.contains(digest)) return path;
  // What an earlier run left is not believed.
  remove_or_say(path);
  if (rename(tree.path().c_str(), path.c_str()) != 0)
    return system_failure("cannot put " + path.string() + " in place");
  tree.kept();
  kept_.insert(digest);
  return path;
}

Result<StagedExecutable> ReleaseTrees::program_in(const fs::path& tree, const std::string& name) const {
  std::error_code failed;
  const auto program = fs::canonical(tree / name, failed);
  const auto inside = failed ? fs::path() : program.lexically_relative(fs::canonical(tree, failed));
  if (failed || inside.empty() || *inside.begin() == ".." || !fs::is_regular_file(program, failed))
    return fail_at(
        ErrorCode::not_found, "$.github_release.rename",
        "cannot find program " + name + " in the archive: no file of that path; its programs are " + programs_in(tree));
  // As the earlier runtime did: an archive made elsewhere may not say what is executable.
  if (chmod(program.c_str(), 0555) != 0) return system_failure("cannot make " + name + " executable");
  const auto digest = crypto::sha256_file(program.c_str());
  if (!digest) return tl::unexpected(digest.error());
  return StagedExecutable{std::string(kDigestPrefix) + to_hex(*digest), program};
}

fs::path ReleaseTrees::find(const std::string& digest) {
  const std::lock_guard lock(mutex_);
  return kept_.contains(digest) ? path_of(digest) : fs::path();
}

std::vector<fs::path> ReleaseTrees::retain(const std::set<std::string>& used) {
  const std::lock_guard lock(mutex_);
  std::vector<fs::path> gone;
  std::erase_if(kept_, [&](const std::string& digest) {
    if (used.contains(digest)) return false;
    const auto path = path_of(digest);
    auto aside = folder_ / (".removed-" + std::to_string(++removed_));
    std::error_code failed;
    fs::rename(path, aside, failed);
    gone.push_back(failed ? path : std::move(aside));
    return true;
  });
  return gone;
}

fs::path ReleaseTrees::path_of(const std::string& digest) const {
  return folder_ / ("tree-" + digest.substr(kDigestPrefix.size()));
}

}  // namespace dd::enclave
