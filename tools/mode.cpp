#include "tools/mode.hpp"

#include <algorithm>
#include <cstdio>

#include "dd/config.hpp"

namespace dd::tools {
namespace {

Mode mode_of(const std::string& word) {
  if (word.empty()) return Mode::unset;
  if (word == "agent") return Mode::agent;
  return word == "cp" || word == "management" ? Mode::control_plane : Mode::unknown;
}

}  // namespace

ModeChoice take_mode(int& argc, char** argv) {
  ModeChoice choice;
  Config config;
  config.text("DD_MODE", Trust::none, choice.word, "agent, cp or management");
  static_cast<void>(config.load_environment());  // a text is never wrong
  auto** const end = argv + argc;
  auto** const word = std::find_if(argv + std::min(argc, 1), end, [](const char* text) { return *text != '-'; });
  if (word != end) {
    if (choice.word.empty()) choice.word = *word;
    std::copy(word + 1, end + 1, word);  // with the null that ends argv
    --argc;
  }
  choice.mode = mode_of(choice.word);
  return choice;
}

bool fits(const ModeChoice& choice, Mode mode, const char* program) {
  if (choice.mode == Mode::unset || choice.mode == mode) return true;
  std::fprintf(stderr, "%s: cannot run as \"%s\": want %s, or neither DD_MODE nor a word\n", program,
               choice.word.c_str(), mode == Mode::agent ? "agent" : "cp or management");
  return false;
}

}  // namespace dd::tools
