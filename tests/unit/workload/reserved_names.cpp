#include "libdd/workload/reserved_names.hpp"

#include <doctest/doctest.h>

using namespace dd;

TEST_CASE("parts of the platform, also the earlier system's, have names of their own") {
  for (const auto* name : {"cloudflared", "connector", "dd-agent", "dd-cp", "dd-management", "dd-enclave",
                           "easyenclave", "dd-agent.", "cloudflared..."}) {
    CAPTURE(name);
    CHECK(is_platform_name(name));
  }
  for (const auto* name : {"agent", "dd-agent-2", "dd-agent.x", "my-connector", "."}) {
    CAPTURE(name);
    CHECK_FALSE(is_platform_name(name));
  }
}
