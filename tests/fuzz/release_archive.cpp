// Property: whatever the bytes, unpacking stays within its limits and its folder, and what it accepts dd-enclave's own check of the tree accepts, too.
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "libdd/enclave/tree_takeover.hpp"
#include "libdd/enclave/unique_fd.hpp"
#include "libdd/fetch/unpack.hpp"

namespace {

namespace fs = std::filesystem;
using dd::enclave::UniqueFd;

constexpr dd::fetch::UnpackLimits kLimits{64 * 1024, 64};

/// One folder for the whole run: outer/tree is unpacked into, and nothing else may appear in outer.
const fs::path& outer() {
  static const fs::path path = [] {
    auto pattern = (fs::temp_directory_path() / "dd-fuzz-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) std::abort();
    std::atexit([] { fs::remove_all(outer()); });
    return fs::path(pattern);
  }();
  return path;
}

void check(const fs::path& tree) {
  if (std::distance(fs::directory_iterator(outer()), {}) != 1) std::abort();
  std::uintmax_t bytes = 0;
  for (const auto& entry : fs::recursive_directory_iterator(tree)) {
    if (entry.is_symlink() || entry.is_directory()) continue;
    if (!entry.is_regular_file()) std::abort();
    if (entry.hard_link_count() == 1) bytes += entry.file_size();
  }
  if (bytes > static_cast<std::uintmax_t>(kLimits.max_bytes)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const UniqueFd archive(memfd_create("archive", MFD_CLOEXEC));
  if (write(archive.get(), data, size) != static_cast<ssize_t>(size)) std::abort();
  const auto tree = outer() / "tree";
  fs::create_directory(tree);
  const UniqueFd folder(open(tree.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const auto unpacked = dd::fetch::unpack(archive.get(), folder.get(), kLimits, [](std::int64_t) {});
  check(tree);
  if (unpacked && !dd::enclave::take_over(folder.get(), geteuid())) std::abort();
  fs::remove_all(tree);
  return 0;
}
