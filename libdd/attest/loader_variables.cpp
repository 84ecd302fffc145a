#include "libdd/attest/loader_variables.hpp"

#include <algorithm>
#include <array>

namespace dd::attest {
namespace {

using namespace std::string_view_literals;

// ld.so(8), bash(1), python(1), perlrun(1), ruby(1), node(1), java(1), lua(1), php(1), openssl-env(7).
constexpr std::array kPrefixes = {"LD_"sv,  "PYTHON"sv, "PERL5"sv, "BASH_FUNC_"sv,
                                  "LUA_"sv, "GIO_"sv,   "COR_"sv,  "CORECLR_"sv};
constexpr std::array kNames = {
    "BASHOPTS"sv,
    "BASH_ENV"sv,
    "CLASSPATH"sv,
    "DOTNET_STARTUP_HOOKS"sv,
    "GCONV_PATH"sv,
    "GLIBC_TUNABLES"sv,
    "GTK_MODULES"sv,
    "JAVA_TOOL_OPTIONS"sv,
    "JDK_JAVA_OPTIONS"sv,
    "LOCPATH"sv,
    "NODE_OPTIONS"sv,
    "NODE_PATH"sv,
    "OPENSSL_CONF"sv,
    "OPENSSL_ENGINES"sv,
    "OPENSSL_MODULES"sv,
    "PERLLIB"sv,
    "PHPRC"sv,
    "PHP_INI_SCAN_DIR"sv,
    "PS4"sv,
    "QT_PLUGIN_PATH"sv,
    "RUBYLIB"sv,
    "RUBYOPT"sv,
    "SHELLOPTS"sv,
    "_JAVA_OPTIONS"sv,
};
static_assert(std::ranges::is_sorted(kNames));
constexpr std::array kFiles = {
    "BASH_ENV"sv,        "CLASSPATH"sv,      "GCONV_PATH"sv,       "GTK_MODULES"sv,     "LD_AUDIT"sv,
    "LD_LIBRARY_PATH"sv, "LD_PRELOAD"sv,     "LOCPATH"sv,          "LUA_CPATH"sv,       "LUA_PATH"sv,
    "NODE_PATH"sv,       "OPENSSL_CONF"sv,   "OPENSSL_ENGINES"sv,  "OPENSSL_MODULES"sv, "PERL5LIB"sv,
    "PERLLIB"sv,         "PHPRC"sv,          "PHP_INI_SCAN_DIR"sv, "PYTHONHOME"sv,      "PYTHONPATH"sv,
    "PYTHONSTARTUP"sv,   "QT_PLUGIN_PATH"sv, "RUBYLIB"sv,
};
static_assert(std::ranges::is_sorted(kFiles));

}  // namespace

bool chooses_code(std::string_view variable) noexcept {
  return std::ranges::binary_search(kNames, variable) ||
         std::ranges::any_of(kPrefixes, [variable](auto prefix) { return variable.starts_with(prefix); });
}

bool names_code(std::string_view variable) noexcept { return std::ranges::binary_search(kFiles, variable); }

}  // namespace dd::attest
