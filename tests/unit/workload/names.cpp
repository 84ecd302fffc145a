#include <doctest/doctest.h>

#include "dd/workload.hpp"

using namespace dd;

TEST_CASE("names are accepted exactly as docs/wire.md writes their rules") {
  const struct {
    std::string name;
    bool (*accepts)(std::string_view);
    std::string text;
    bool good;
  } cases[] = {
      {"app: plain", valid_app_name, "hello", true},
      {"app: every character", valid_app_name, "0a.b_c-9", true},
      {"app: ends in a dot", valid_app_name, "a.", true},
      {"app: 63", valid_app_name, std::string(63, 'a'), true},
      {"app: 64", valid_app_name, std::string(64, 'a'), false},
      {"app: empty", valid_app_name, "", false},
      {"app: leading dot", valid_app_name, ".hidden", false},
      {"app: path", valid_app_name, "a/../b", false},
      {"app: upper case", valid_app_name, "Hello", false},
      {"app: NUL behind", valid_app_name, std::string("a\0", 2), false},
      {"label: one", valid_hostname_label, "a", true},
      {"label: 32", valid_hostname_label, std::string(32, 'a'), true},
      {"label: 33", valid_hostname_label, std::string(33, 'a'), false},
      {"label: trailing hyphen", valid_hostname_label, "a-", false},
      {"label: leading hyphen", valid_hostname_label, "-a", false},
      {"label: dot", valid_hostname_label, "a.b", false},
      {"label: wildcard", valid_hostname_label, "*", false},
      {"label: empty", valid_hostname_label, "", false},
      {"vm: 63", valid_vm_name, "a" + std::string(61, '-') + "b", true},
      {"vm: 64", valid_vm_name, std::string(64, 'a'), false},
      {"vm: underscore", valid_vm_name, "a_b", false},
      {"env: 17", valid_env_label, std::string(17, 'e'), true},
      {"env: 18", valid_env_label, std::string(18, 'e'), false},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    CHECK(c.accepts(c.text) == c.good);
  }
}
