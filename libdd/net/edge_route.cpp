#include "libdd/net/edge_route.hpp"

namespace dd::net {

std::string EdgeRoute::connect_to(const Url& url) const {
  if (!edge) return url.origin();
  const bool covered = domain.empty() ? !is_loopback(url.host) : url.host == domain || url.host.ends_with("." + domain);
  return covered ? edge->origin() : url.origin();
}

}  // namespace dd::net
