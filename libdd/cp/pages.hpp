// GET / and GET /agent/{id}: the fleet for a person who is signed in, and the files that pages load.
#pragma once

#include "libdd/cp/people.hpp"
#include "libdd/web/fleet_page.hpp"

namespace dd::cp {

class Pages {
 public:
  Pages(Context& context, People& people) : context_(context), people_(people) {}
  void add_routes(net::Router& router);

 private:
  net::Task<Result<net::ServerResponse>> fleet(const net::ServerRequest& request);
  net::Task<Result<net::ServerResponse>> agent(const net::ServerRequest& request);
  [[nodiscard]] web::FleetBanner banner() const;

  Context& context_;
  People& people_;
};

}  // namespace dd::cp
