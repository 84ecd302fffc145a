// Downloads and unpacks for dd-enclave, which starts it; not meant to be called by hand.
#include <cstdio>
#include <cstring>

#include "dd/fetch.hpp"

namespace {

// Where dd-enclave puts the socket (docs/adr/0009).
constexpr int kSocket = 3;

}  // namespace

int main(int argc, char** argv) {
  if (argc == 1) return dd::run_fetch_helper(kSocket);
  if (argc == 2 && std::strcmp(argv[1], "--version") == 0) {
    std::printf("dd-fetch %s\n", DD_VERSION);
    return 0;
  }
  std::fprintf(stderr, "dd-fetch: cannot understand the arguments: dd-enclave starts this program, with none\n");
  return 2;
}
