#include "libdd/enclave/no_writers.hpp"

#include <fcntl.h>

#include <cerrno>
#include <chrono>
#include <thread>

namespace dd::enclave {

Result<void> check_no_writers(int fd, const std::string& name) {
  for (int attempt = 0; attempt < 100; ++attempt) {
    // The kernel grants a read lease only on a file that nobody has open for writing.
    if (fcntl(fd, F_SETLEASE, F_RDLCK) == 0) {
      fcntl(fd, F_SETLEASE, F_UNLCK);
      return {};
    }
    if (errno != EAGAIN) return {};
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return fail(ErrorCode::permission_denied, "cannot keep " + name + ": somebody has it open for writing");
}

}  // namespace dd::enclave
