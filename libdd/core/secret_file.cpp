#include "libdd/core/secret_file.hpp"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <array>
#include <string>
#include <string_view>
#include <system_error>

#include "libdd/core/config_values.hpp"
#include "libdd/core/text_file.hpp"

namespace dd {
namespace {

constexpr std::size_t kMaxBytes = 64 * 1024;

tl::unexpected<Error> refuse_file(const std::filesystem::path& path, const std::string& problem) {
  return fail(ErrorCode::invalid_argument, "cannot read secret file " + path.string() + ": " + problem);
}

std::string last_problem() { return std::error_code(errno, std::generic_category()).message(); }

// Holds file content for as long as it takes to copy it into a Secret. A stream would leave it in a buffer of its own.
struct WipedBuffer {
  WipedBuffer() = default;
  WipedBuffer(const WipedBuffer&) = delete;
  WipedBuffer& operator=(const WipedBuffer&) = delete;
  ~WipedBuffer() { explicit_bzero(bytes.data(), bytes.size()); }

  std::array<char, kMaxBytes + 1> bytes{};
};

}  // namespace

Result<Secret> read_secret_file(const std::filesystem::path& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return refuse_file(path, last_problem());

  WipedBuffer buffer;
  const auto got = read_into(file, buffer.bytes);
  const auto problem = got < 0 ? last_problem() : std::string();
  close(file);

  if (got < 0) return refuse_file(path, problem);
  const auto size = static_cast<std::size_t>(got);
  if (size > kMaxBytes) return refuse_file(path, "larger than " + std::to_string(kMaxBytes) + " bytes");
  const auto text = config_values::trimmed(std::string_view(buffer.bytes.data(), size));
  if (text.empty()) return refuse_file(path, "it is empty");
  return Secret(std::string(text));
}

}  // namespace dd
