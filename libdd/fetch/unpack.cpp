#include "libdd/fetch/unpack.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <string>

#include <archive.h>
#include <archive_entry.h>

#include "libdd/fetch/asset_file.hpp"
#include "libdd/fetch/tree_writer.hpp"
#include "libdd/workload/member_path.hpp"

namespace dd::fetch {
namespace {

struct Closer {
  void operator()(archive* reader) const { archive_read_free(reader); }
};
using Reader = std::unique_ptr<archive, Closer>;

constexpr std::size_t kPiece = 64 * 1024;
constexpr std::int64_t kUnpackReportEvery = 16 * 1024 * 1024;

tl::unexpected<Error> bad_archive(archive* reader) {
  const auto* text = archive_error_string(reader);
  return fail(ErrorCode::invalid_argument,
              std::string("cannot unpack archive: ") + (text == nullptr ? "it is damaged" : text));
}

class Unpacking {
 public:
  Unpacking(Reader reader, int folder, const UnpackLimits& limits, const std::function<void(std::int64_t)>& progress)
      : reader_(std::move(reader)), tree_(folder, limits.max_entries), limits_(limits), progress_(progress) {}

  Result<void> run() {
    for (std::int64_t entries = 0;; ++entries) {
      archive_entry* entry = nullptr;
      const int got = archive_read_next_header(reader_.get(), &entry);
      if (got == ARCHIVE_EOF && entries == 0)
        return fail(ErrorCode::invalid_argument, "cannot unpack archive: it is empty");
      if (got == ARCHIVE_EOF) return {};
      // A warning means a header that was understood in part: two readers would see two archives.
      if (got != ARCHIVE_OK) return bad_archive(reader_.get());
      if (entries >= limits_.max_entries)
        return fail(ErrorCode::too_large,
                    "cannot unpack archive: it has over " + std::to_string(limits_.max_entries) + " members");
      if (auto made = take(entry); !made) return made;
    }
  }

 private:
  Result<void> take(archive_entry* entry) {
    const char* path = archive_entry_pathname(entry);
    const auto parts = parts_of_member(path == nullptr ? "" : path);
    if (!parts) return tl::unexpected(parts.error());
    if (const char* target = archive_entry_hardlink(entry)) return second_name(*parts, target);
    switch (archive_entry_filetype(entry)) {
      case AE_IFDIR:
        return tree_.make_folder(*parts);
      case AE_IFREG:
        return file(*parts, (archive_entry_perm(entry) & 0111) != 0);
      case AE_IFLNK:
        return link(*parts, archive_entry_symlink(entry));
      default:
        return fail(ErrorCode::invalid_argument,
                    std::string("cannot unpack ") + path + ": it is no file, folder or link");
    }
  }

  Result<void> link(const MemberParts& parts, const char* target) {
    if (target == nullptr || !stays_inside(parts, target))
      return fail(ErrorCode::invalid_argument, "cannot unpack archive: the link " +
                                                   (parts.empty() ? "" : parts.back()) + " leads out of it, or may");
    return tree_.make_link(parts, target);
  }

  Result<void> second_name(const MemberParts& parts, const char* target) {
    const auto existing = parts_of_member(target);
    if (!existing) return tl::unexpected(existing.error());
    return tree_.make_second_name(parts, *existing);
  }

  Result<void> file(const MemberParts& parts, bool executable) {
    const auto fd = tree_.make_file(parts, executable);
    if (!fd) return tl::unexpected(fd.error());
    const auto copied = copy(*fd);
    if (close(*fd) == 0 || !copied) return copied;
    return fail(ErrorCode::unavailable, "cannot unpack archive: a file could not be closed");
  }

  // Holes of a sparse member arrive as zeros and count as what they are in the file.
  Result<void> copy(int fd) {
    AssetFile out(fd);
    std::array<char, kPiece> piece;
    for (;;) {
      const auto got = archive_read_data(reader_.get(), piece.data(), piece.size());
      if (got == 0) return {};
      if (got < 0) return bad_archive(reader_.get());
      bytes_ += got;
      if (bytes_ > limits_.max_bytes)
        return fail(ErrorCode::too_large,
                    "cannot unpack archive: it holds over " + std::to_string(limits_.max_bytes) + " bytes");
      if (!out.append({piece.data(), static_cast<std::size_t>(got)}))
        return fail(ErrorCode::unavailable, "cannot unpack archive: " + std::generic_category().message(out.error()));
      if (bytes_ - reported_ < kUnpackReportEvery) continue;
      reported_ = bytes_;
      progress_(bytes_);
    }
  }

  Reader reader_;
  TreeWriter tree_;
  const UnpackLimits& limits_;
  const std::function<void(std::int64_t)>& progress_;
  std::int64_t bytes_ = 0;
  std::int64_t reported_ = 0;
};

}  // namespace

Result<void> unpack(int archive, int folder, const UnpackLimits& limits,
                    const std::function<void(std::int64_t bytes)>& progress) {
  Reader reader(archive_read_new());
  if (!reader) return fail(ErrorCode::unavailable, "cannot unpack archive: no memory");
  // Two formats of the many that libarchive reads: what is not enabled cannot be attacked.
  archive_read_support_filter_gzip(reader.get());
  archive_read_support_format_tar(reader.get());
  if (lseek(archive, 0, SEEK_SET) != 0 || archive_read_open_fd(reader.get(), archive, kPiece) != ARCHIVE_OK)
    return bad_archive(reader.get());
  return Unpacking(std::move(reader), folder, limits, progress).run();
}

}  // namespace dd::fetch
