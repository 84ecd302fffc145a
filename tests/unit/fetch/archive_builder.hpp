// Archives for tests, harmless and not, written by libarchive.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

#include <archive.h>
#include <archive_entry.h>

namespace dd::test {

/// Members stand in the order of the calls; names are taken as they are.
class ArchiveBuilder {
 public:
  ArchiveBuilder() : writer_(archive_write_new()) {
    archive_write_add_filter_gzip(writer_);
    archive_write_set_format_pax_restricted(writer_);
    archive_write_set_bytes_in_last_block(writer_, 1);
    archive_write_open(writer_, &bytes_, nullptr, &take, nullptr);
  }
  ~ArchiveBuilder() { archive_write_free(writer_); }
  ArchiveBuilder(const ArchiveBuilder&) = delete;
  ArchiveBuilder& operator=(const ArchiveBuilder&) = delete;

  ArchiveBuilder& file(const char* path, std::string_view content, mode_t mode = 0644) {
    auto* entry = start(path, AE_IFREG, mode);
    archive_entry_set_size(entry, static_cast<la_int64_t>(content.size()));
    return finish(entry, content);
  }
  /// `size` zeros of which the archive holds the first alone.
  ArchiveBuilder& sparse(const char* path, std::size_t size) {
    auto* entry = start(path, AE_IFREG, 0644);
    archive_entry_set_size(entry, static_cast<la_int64_t>(size));
    archive_entry_sparse_add_entry(entry, 0, 1);
    return finish(entry, std::string(size, '\0'));
  }
  ArchiveBuilder& folder(const char* path) { return finish(start(path, AE_IFDIR, 0755)); }
  ArchiveBuilder& link(const char* path, const char* target) {
    auto* entry = start(path, AE_IFLNK, 0777);
    archive_entry_set_symlink(entry, target);
    return finish(entry);
  }
  ArchiveBuilder& second_name(const char* path, const char* existing) {
    auto* entry = start(path, AE_IFREG, 0644);
    archive_entry_set_hardlink(entry, existing);
    return finish(entry);
  }
  /// A device, a FIFO, a socket.
  ArchiveBuilder& special(const char* path, unsigned type) { return finish(start(path, type, 0666)); }

  /// The whole archive; nothing can be added afterwards.
  std::string bytes() {
    archive_write_close(writer_);
    return bytes_;
  }

 private:
  static la_ssize_t take(archive*, void* bytes, const void* piece, std::size_t size) {
    static_cast<std::string*>(bytes)->append(static_cast<const char*>(piece), size);
    return static_cast<la_ssize_t>(size);
  }
  static archive_entry* start(const char* path, unsigned type, mode_t mode) {
    auto* entry = archive_entry_new();
    archive_entry_set_pathname(entry, path);
    archive_entry_set_filetype(entry, type);
    archive_entry_set_perm(entry, mode);
    return entry;
  }
  ArchiveBuilder& finish(archive_entry* entry, std::string_view content = {}) {
    const bool good = archive_write_header(writer_, entry) == ARCHIVE_OK &&
                      (content.empty() || archive_write_data(writer_, content.data(), content.size()) >= 0);
    archive_entry_free(entry);
    if (!good) throw std::runtime_error("cannot make the archive");
    return *this;
  }

  std::string bytes_;
  archive* writer_;
};

}  // namespace dd::test
