// Runs one fuzz target over the files of a folder, so that a crash once found stays found in every build.
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

int replay(const char* folder) {
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    std::ifstream in(entry.path(), std::ios::binary);
    const std::vector<char> input(std::istreambuf_iterator<char>(in), {});
    // Said before the run: a crash leaves the name of its input as the last line.
    std::fprintf(stderr, "%s\n", entry.path().c_str());
    LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
    ++files;
  }
  if (files > 0) return 0;
  std::fprintf(stderr, "cannot replay %s: it has no file\n", folder);
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s CORPUS\n", argv[0]);
    return 2;
  }
  try {
    return replay(argv[1]);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "cannot replay %s: %s\n", argv[1], e.what());
    return 1;
  }
}
