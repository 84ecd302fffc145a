// Precompiled: JSON and text, 4 s of parsing per file with GCC 12.
#ifndef DD_PCH_JSON
// An include guard and no pragma once: GCC compiles this file as a main file too.
#define DD_PCH_JSON
#include <algorithm>
#include <array>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <tl/expected.hpp>

#endif
