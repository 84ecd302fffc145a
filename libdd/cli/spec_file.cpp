#include "libdd/cli/spec_file.hpp"

#include <unistd.h>

#include "libdd/core/text_file.hpp"

namespace dd::cli {
namespace {

constexpr std::size_t kMaxFile = 256 * 1024;

}  // namespace

Result<std::string> read_spec(const std::string& file) {
  return file == "-" ? read_text(STDIN_FILENO, "standard input", kMaxFile) : read_text_file(file, kMaxFile);
}

}  // namespace dd::cli
