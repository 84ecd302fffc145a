// One entry of configfs-tsm: made for one request, gone with this. Private to libdd/attest.
#pragma once

#include <utility>

#include "libdd/attest/tsm_files.hpp"

namespace dd::attest {

class TsmEntry {
 public:
  [[nodiscard]] static Attempted<TsmEntry> make(TsmFiles& files, std::filesystem::path path) {
    if (const auto made = files.make_directory(path); !made) return tl::unexpected(made.error());
    return TsmEntry(files, std::move(path));
  }
  TsmEntry(TsmEntry&& other) noexcept : files_(std::exchange(other.files_, nullptr)), path_(std::move(other.path_)) {}
  TsmEntry& operator=(TsmEntry&&) = delete;
  TsmEntry(const TsmEntry&) = delete;
  TsmEntry& operator=(const TsmEntry&) = delete;
  ~TsmEntry() {
    // An entry that cannot be removed is cleaned up at the next start.
    if (files_ != nullptr) static_cast<void>(files_->remove_directory(path_));
  }

  [[nodiscard]] Attempted<void> write(const char* attribute, ByteView data) {
    return files_->write(path_ / attribute, data);
  }
  [[nodiscard]] Attempted<Bytes> read(const char* attribute, std::size_t most) {
    return files_->read(path_ / attribute, most);
  }

 private:
  TsmEntry(TsmFiles& files, std::filesystem::path path) : files_(&files), path_(std::move(path)) {}

  TsmFiles* files_;
  std::filesystem::path path_;
};

}  // namespace dd::attest
