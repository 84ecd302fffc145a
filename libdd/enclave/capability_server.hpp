// What the runtime does for the boot workloads with role agent or cp, over the descriptor it handed down (docs/wire.md, 9).
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "dd/workload.hpp"
#include "libdd/enclave/measured_log.hpp"
#include "libdd/enclave/vm_keys.hpp"

namespace dd::enclave {

/// Use on one io thread. The numbers of `seq` go on as long as the keys live, across restarts of who asks.
class CapabilityServer {
 public:
  using PowerOff = std::function<Result<void>()>;

  /// Borrows keys and log. `boundary` is "uid" or "none".
  CapabilityServer(const VmKeys& keys, MeasuredLog& log, std::string boundary, PowerOff power_off);

  /// Answers one request line of the holder of `role`.
  net::Task<std::string> answer(BootWorkload::Role role, std::string line);

 private:
  net::Task<Result<Json>> dispatch(BootWorkload::Role role, std::string line);
  [[nodiscard]] Json keys() const;
  [[nodiscard]] Result<Json> sign(BootWorkload::Role role, ObjectReader& request) const;
  [[nodiscard]] Result<Json> open(ObjectReader& request) const;
  [[nodiscard]] Result<Json> seq(ObjectReader& request);
  [[nodiscard]] Result<Json> log(ObjectReader& request) const;
  [[nodiscard]] Result<Json> power_off(BootWorkload::Role role) const;
  net::Task<Result<Json>> quote(Json request);

  const VmKeys& keys_;
  MeasuredLog& log_;
  std::string boundary_;
  PowerOff power_off_;
  std::int64_t next_seq_ = 1;
};

}  // namespace dd::enclave
