#include "libdd/fetch/asset_file.hpp"

#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>

namespace dd::fetch {

Result<void> AssetFile::restart() {
  size_ = 0;
  error_ = 0;
  if (ftruncate(fd_, 0) == 0 && lseek(fd_, 0, SEEK_SET) == 0) return {};
  error_ = errno;
  return fail(ErrorCode::unavailable,
              "cannot empty the file of the download: " + std::generic_category().message(error_));
}

bool AssetFile::append(std::string_view piece) {
  while (error_ == 0 && !piece.empty()) {
    const auto written = write(fd_, piece.data(), piece.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      error_ = errno;
      break;
    }
    size_ += written;
    piece.remove_prefix(static_cast<std::size_t>(written));
  }
  return error_ == 0;
}

}  // namespace dd::fetch
