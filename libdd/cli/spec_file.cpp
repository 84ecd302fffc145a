#include "libdd/cli/spec_file.hpp"

#include <fstream>
#include <iostream>
#include <iterator>

namespace dd::cli {
namespace {

constexpr std::size_t kMaxFile = 256 * 1024;

}  // namespace

Result<std::string> read_spec(const std::string& file) {
  if (file == "-") return std::string(std::istreambuf_iterator<char>(std::cin), {});
  std::ifstream stream(file, std::ios::binary);
  if (!stream) return fail(ErrorCode::not_found, "cannot read " + file);
  std::string text(std::istreambuf_iterator<char>(stream), {});
  if (text.size() > kMaxFile) return fail(ErrorCode::too_large, "cannot read " + file + ": larger than 256 KiB");
  return text;
}

}  // namespace dd::cli
