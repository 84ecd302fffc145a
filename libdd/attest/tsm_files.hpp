// The file operations under the configfs-tsm quote source. A seam: an ordinary folder cannot imitate configfs, where mkdir makes attributes
// and a read makes a quote.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <sys/types.h>

#include "dd/bytes.hpp"

namespace dd::attest {

/// A value, or the errno of the call that failed.
template <class T>
using Attempted = tl::expected<T, int>;

class TsmFiles {
 public:
  virtual ~TsmFiles() = default;
  [[nodiscard]] virtual Attempted<void> make_directory(const std::filesystem::path& path) = 0;
  /// Never recursive: the attributes of an entry cannot be unlinked, so a recursive remove fails and leaks the entry.
  [[nodiscard]] virtual Attempted<void> remove_directory(const std::filesystem::path& path) = 0;
  /// Exactly one write(2) to a file that is there, which must take everything; configfs judges it at close.
  [[nodiscard]] virtual Attempted<void> write(const std::filesystem::path& file, ByteView data) = 0;
  /// The whole file, or its first `most` bytes. EINTR is for the caller: a read that was interrupted starts something at the host.
  [[nodiscard]] virtual Attempted<Bytes> read(const std::filesystem::path& file, std::size_t most) = 0;
  [[nodiscard]] virtual bool writable(const std::filesystem::path& file) = 0;
  /// Names in a folder.
  [[nodiscard]] virtual Attempted<std::vector<std::string>> list(const std::filesystem::path& folder) = 0;
  [[nodiscard]] virtual bool is_running(pid_t process) = 0;
};

/// The real ones.
[[nodiscard]] std::unique_ptr<TsmFiles> make_posix_tsm_files();

}  // namespace dd::attest
