#include "libdd/enclave/power_off.hpp"

#include <sys/reboot.h>
#include <unistd.h>

#include "dd/log.hpp"
#include "libdd/enclave/system_error.hpp"

namespace dd::enclave {

Result<void> power_off() {
  if (getpid() != 1)
    return fail(ErrorCode::unsupported, "cannot power off: the runtime is not PID 1, so the machine is not its own");
  log::warning("powering off");
  sync();
  reboot(RB_POWER_OFF);
  return system_failure("cannot power off");
}

}  // namespace dd::enclave
