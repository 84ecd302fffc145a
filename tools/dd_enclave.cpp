// The workload runtime of a VM, or of a developer's machine.
#include "dd/enclave.hpp"
#include "tools/service_main.hpp"

int main(int argc, char** argv) {
  const dd::tools::ServiceText text{"dd-enclave", "runs workloads, holds the keys of this VM and logs what it starts"};
  return dd::tools::service_main<dd::Enclave, dd::EnclaveOptions>(argc, argv, text);
}
