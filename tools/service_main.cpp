#include "tools/service_main.hpp"

#include <string>
#include <string_view>

namespace dd::tools {
namespace {

void print_help(const ServiceText& text, const Config& config) {
  std::printf(
      "%s %s: %s\n\nUsage: %s [--help | --version | --config-markdown]\n\nConfiguration is read from the "
      "environment:\n\n%s",
      text.name, DD_VERSION, text.summary, text.name, config.help().c_str());
}

}  // namespace

FlagOutcome answer_flags(int argc, char** argv, const ServiceText& text, const Config& config) {
  if (argc < 2) return {};
  const std::string_view flag = argv[1];
  if (argc == 2 && (flag == "--help" || flag == "-h")) {
    print_help(text, config);
    return {true, kExitOk};
  }
  if (argc == 2 && flag == "--version") {
    std::printf("%s %s\n", text.name, DD_VERSION);
    return {true, kExitOk};
  }
  if (argc == 2 && flag == "--config-markdown") {
    std::printf("%s", config.markdown().c_str());
    return {true, kExitOk};
  }
  std::fprintf(stderr, "%s: cannot understand \"%s\": want --help, --version, --config-markdown or nothing\n",
               text.name, std::string(argc == 2 ? flag : std::string_view(argv[2])).c_str());
  return {true, kExitUsage};
}

void complain(const ServiceText& text, const Error& error) {
  std::fprintf(stderr, "%s: %s\n", text.name, error.message.c_str());
}

}  // namespace dd::tools
