// How long a server of the local fleet lets its requests finish when it stops.
#pragma once

#include <chrono>

namespace dd::local {

inline constexpr std::chrono::milliseconds kStopGrace{1'000};

}  // namespace dd::local
