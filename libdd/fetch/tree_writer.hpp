// Makes files below one folder, and nowhere else, whatever the names say.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "dd/error.hpp"

namespace dd::fetch {

using MemberParts = std::vector<std::string>;

/// Borrows the folder's descriptor. Every step is relative to an open folder and follows no link, so that a link of the archive is never walked through.
/// A later member takes the place of an earlier file or link of its name; of a folder never. Errors: invalid_argument (the archive's fault), too_large
/// (over `max_folders`, however they came about), unavailable.
class TreeWriter {
 public:
  TreeWriter(int folder, std::int64_t max_folders) noexcept : folder_(folder), folders_left_(max_folders) {}

  /// Makes the folders above too. An empty path is the folder itself.
  [[nodiscard]] Result<void> make_folder(const MemberParts& parts);
  /// An empty file, open for writing; the caller owns the descriptor.
  [[nodiscard]] Result<int> make_file(const MemberParts& parts, bool executable);
  /// The target has been checked (stays_inside).
  [[nodiscard]] Result<void> make_link(const MemberParts& parts, const std::string& target);
  /// A second name of a file that was made before.
  [[nodiscard]] Result<void> make_second_name(const MemberParts& parts, const MemberParts& existing);

 private:
  enum class Missing { make, refuse };
  /// An open folder: that of the first `count` parts.
  [[nodiscard]] Result<int> open_folder(const MemberParts& parts, std::size_t count, Missing missing);
  /// The folder for the last part, which is free then.
  [[nodiscard]] Result<int> open_place(const MemberParts& parts);
  [[nodiscard]] Result<void> make_if_missing(int above, const MemberParts& parts, std::size_t i);

  int folder_;
  std::int64_t folders_left_;
};

}  // namespace dd::fetch
