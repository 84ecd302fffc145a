// The io_context of a service.
#pragma once

#include <boost/asio/io_context.hpp>

namespace dd::net {

/// One that can let go of what waits on it while everything that refers to is still there. A coroutine that waits when its service stops is
/// destroyed, and its frame holds turns, registrations with a set, references: left to ~io_context that happened after the service was gone.
/// Whoever owns one calls end_tasks() in its destructor, before any of its other members goes.
class Loop : public boost::asio::io_context {
 public:
  /// One thread runs it.
  Loop() : io_context(1) {}
  /// On the thread that ran it or once that has ended, when no other thread writes into a waiting coroutine any more. It is not run again;
  /// what foreign threads bring through a Doorway is dropped. Timers, sockets and acceptors may still be destroyed.
  void end_tasks() {
    shutdown();
    shutdown();  // what a destructor has posted
  }
};

}  // namespace dd::net
