// dd-cp: the control plane, configured by its environment.
#include "dd/control_plane.hpp"
#include "tools/service_main.hpp"

int main(int argc, char** argv) {
  const dd::tools::ServiceText text{"dd-cp", "Control plane of a fleet of attested agents.",
                                    dd::tools::Mode::control_plane};
  return dd::tools::service_main<dd::ControlPlane, dd::ControlPlaneOptions>(argc, argv, text);
}
