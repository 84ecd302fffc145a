#include "libdd/core/text_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace dd {
namespace {

std::string what_of(const std::string& name) { return "cannot read " + name + ": "; }

tl::unexpected<Error> refuse_reading(const std::string& name) {
  const auto code = errno == ENOENT || errno == ENOTDIR ? ErrorCode::not_found : ErrorCode::invalid_argument;
  return fail(code, what_of(name) + std::error_code(errno, std::generic_category()).message());
}

}  // namespace

std::ptrdiff_t read_into(int descriptor, std::span<char> room) noexcept {
  std::size_t size = 0;
  while (size < room.size()) {
    const auto got = read(descriptor, room.data() + size, room.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return -1;
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  return static_cast<std::ptrdiff_t>(size);
}

Result<std::string> read_text(int descriptor, const std::string& name, std::size_t most) {
  std::string text(most + 1, '\0');
  const auto size = read_into(descriptor, text);
  if (size < 0) return refuse_reading(name);
  if (static_cast<std::size_t>(size) > most)
    return fail(ErrorCode::too_large, what_of(name) + "larger than " + std::to_string(most / 1024) + " KiB");
  text.resize(static_cast<std::size_t>(size));
  text.shrink_to_fit();
  return text;
}

Result<std::string> read_text_file(const std::filesystem::path& path, std::size_t most) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return refuse_reading(path.string());
  auto text = read_text(file, path.string(), most);
  close(file);
  return text;
}

}  // namespace dd
