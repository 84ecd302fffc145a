// A file that goes again unless it was given its name.
#pragma once

#include <filesystem>
#include <string>

#include "dd/error.hpp"
#include "libdd/enclave/unique_fd.hpp"

namespace dd::enclave {

class TemporaryFile {
 public:
  /// Readable by its owner only. Errors: unavailable.
  [[nodiscard]] static Result<TemporaryFile> make(const std::filesystem::path& folder);
  TemporaryFile(TemporaryFile&& other) noexcept : path_(std::exchange(other.path_, {})), fd_(std::move(other.fd_)) {}
  TemporaryFile& operator=(TemporaryFile&&) = delete;
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile();

  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  [[nodiscard]] int fd() const noexcept { return fd_.get(); }
  /// From now on its descriptor is for reading, and nobody has one for writing: what is hashed then is what stays. Blocks up to 200 ms.
  /// Errors: permission_denied when somebody has, unavailable.
  [[nodiscard]] Result<void> end_writing();
  /// Errors: unavailable.
  [[nodiscard]] Result<void> rename_to(const std::filesystem::path& name);

 private:
  TemporaryFile(std::string path, UniqueFd fd) : path_(std::move(path)), fd_(std::move(fd)) {}

  std::string path_;
  UniqueFd fd_;
};

}  // namespace dd::enclave
