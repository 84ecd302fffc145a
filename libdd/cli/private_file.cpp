#include "libdd/cli/private_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>

#include "libdd/core/text_file.hpp"

namespace dd::cli {
namespace {

constexpr std::size_t kMaxSecret = 64 * 1024;
constexpr const char* kBlank = " \t\r\n";

}  // namespace

Result<void> write_private_file(const std::filesystem::path& file, std::string_view text) {
  const auto failed = [&] { return fail(ErrorCode::unavailable, "cannot write " + file.string()); };
  auto temporary = file;
  temporary += ".new";
  // O_EXCL: a file that was left there would keep its mode and its readers.
  unlink(temporary.c_str());
  const int fd = open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return failed();
  const bool written = write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  const bool closed = close(fd) == 0;
  if (written && closed && std::rename(temporary.c_str(), file.c_str()) == 0) return {};
  unlink(temporary.c_str());
  return failed();
}

Result<Secret> read_private_file(const std::filesystem::path& file) {
  const auto text = read_text_file(file, kMaxSecret);
  if (!text && text.error().code != ErrorCode::too_large) return tl::unexpected(text.error());
  const auto first = text ? text->find_first_not_of(kBlank) : std::string::npos;
  if (first == std::string::npos)
    return fail(ErrorCode::malformed, "cannot read " + file.string() + ": want 1 to 65536 bytes of text");
  return Secret(text->substr(first, text->find_last_not_of(kBlank) - first + 1));
}

}  // namespace dd::cli
