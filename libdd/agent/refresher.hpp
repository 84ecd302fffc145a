// Keeps the token that polls are answered with current: bound to the last poll's nonce, so that the verifier chose the randomness.
#pragma once

#include "libdd/agent/context.hpp"

namespace dd::agent {

class Refresher {
 public:
  explicit Refresher(Context& context) : context_(context), polled_(context.executor), stop_(context.executor) {}
  /// Until stop(). Failures keep the old token and are tried again with back-off.
  net::Task<void> run();
  void stop();
  /// A poll was accepted: a refresh that waited for its nonce can go on.
  void polled() { polled_.notify(); }

 private:
  net::Task<Result<void>> refresh();

  Context& context_;
  net::Event polled_;
  net::Event stop_;
  bool stopping_ = false;
};

}  // namespace dd::agent
