// What a program is to be, as the one binary of the earlier system was told: DD_MODE, or else the first argument that is no flag.
#pragma once

#include <string>

namespace dd::tools {

enum class Mode { unset, agent, control_plane, unknown };

struct ModeChoice {
  Mode mode = Mode::unset;
  std::string word;  // what was said
};

/// The word is taken out of argv, also when DD_MODE says it too.
[[nodiscard]] ModeChoice take_mode(int& argc, char** argv);

/// Whether `choice` fits a program that is only ever `mode`; when not, says so on standard error.
[[nodiscard]] bool fits(const ModeChoice& choice, Mode mode, const char* program);

}  // namespace dd::tools
