// The file that an asset is downloaded into.
#pragma once

#include <cstdint>
#include <string_view>

#include "dd/error.hpp"

namespace dd::fetch {

/// Borrows a descriptor that is open for writing.
class AssetFile {
 public:
  explicit AssetFile(int fd) noexcept : fd_(fd) {}

  /// Empties it for another attempt. Errors: unavailable.
  [[nodiscard]] Result<void> restart();
  /// False once something could not be written, see error().
  [[nodiscard]] bool append(std::string_view piece);
  [[nodiscard]] std::int64_t size() const noexcept { return size_; }
  /// errno of what failed, or 0.
  [[nodiscard]] int error() const noexcept { return error_; }

 private:
  int fd_;
  std::int64_t size_ = 0;
  int error_ = 0;
};

}  // namespace dd::fetch
