// Files that people write and settings name: policies, workloads, boot lists.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

#include "dd/error.hpp"

namespace dd {

/// All bytes of `path`. Blocks. Errors: not_found when nothing is there; invalid_argument with the reason when it cannot be read (a folder, no
/// permission); too_large for more than `most` bytes.
[[nodiscard]] Result<std::string> read_text_file(const std::filesystem::path& path, std::size_t most);
/// The same of a descriptor, which stays open; the message calls it `name`.
[[nodiscard]] Result<std::string> read_text(int descriptor, const std::string& name, std::size_t most);
/// Fills `room` from a descriptor until that ends or `room` is full. Returns the bytes read; -1 with errno when it cannot be read.
[[nodiscard]] std::ptrdiff_t read_into(int descriptor, std::span<char> room) noexcept;

}  // namespace dd
