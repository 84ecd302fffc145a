#include "libdd/attest/tcb_status.hpp"

#include <algorithm>
#include <array>

namespace dd::attest {
namespace {

// `Revoked` is missing on purpose. TDRelaunch* come with live module updates.
constexpr std::array<std::string_view, 8> kAcceptable = {"UpToDate",
                                                         "SWHardeningNeeded",
                                                         "ConfigurationNeeded",
                                                         "ConfigurationAndSWHardeningNeeded",
                                                         "OutOfDate",
                                                         "OutOfDateConfigurationNeeded",
                                                         "TDRelaunchAdvised",
                                                         "TDRelaunchAdvisedConfigurationNeeded"};

}  // namespace

bool acceptable_tcb_status(std::string_view text) noexcept {
  return std::ranges::find(kAcceptable, text) != kAcceptable.end();
}

}  // namespace dd::attest
