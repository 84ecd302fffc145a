// The compat listener: what the earlier system's agents and owners may ask, answered as that system did (docs/wire.md, 12).
#pragma once

#include <chrono>

#include "libdd/cp/compat_registrar.hpp"

namespace dd::cp {

/// A listener of its own: nothing native is served on it, and nothing of it on the native one.
class CompatApi {
 public:
  CompatApi(Context& context, AgentLink& link) : context_(context), registrar_(context, link) {}
  [[nodiscard]] net::Router routes();
  [[nodiscard]] net::HttpServerOptions listener() const;

 private:
  net::Task<Result<net::ServerResponse>> health();
  net::Task<Result<net::ServerResponse>> agents();

  Context& context_;
  CompatRegistrar registrar_;
  std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
};

}  // namespace dd::cp
