#include "libdd/cli/private_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>

namespace dd::cli {

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

}  // namespace dd::cli
