#include "libdd/enclave/vm_keys.hpp"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <cstring>

#include "dd/log.hpp"
#include "libdd/enclave/identifiers.hpp"

namespace dd::enclave {

VmKeys::VmKeys(Random& random)
    : secrets_(new Secrets{crypto::OkpPrivateKey::generate(crypto::Curve::ed25519, random),
                           crypto::OkpPrivateKey::generate(crypto::Curve::x25519, random),
                           {}}),
      boot_id_(new_boot_id(random)) {
  random.fill(secrets_->log_salt);
  // A VM has no swap; a developer's machine may.
  if (mlock(secrets_.get(), sizeof(Secrets)) != 0)
    log::debug("keys are not locked in memory", {{"error", std::strerror(errno)}});
}

VmKeys::~VmKeys() {
  explicit_bzero(secrets_->log_salt.data(), secrets_->log_salt.size());
  munlock(secrets_.get(), sizeof(Secrets));
}

void make_process_undumpable() {
  prctl(PR_SET_DUMPABLE, 0);
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
}

}  // namespace dd::enclave
