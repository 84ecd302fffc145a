// Stands between a control plane and the edge's API: sees every call of a registration, and kills or holds at one of them.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include "dd/http.hpp"
#include "libdd/net/http_server.hpp"

namespace dd::trust {

/// A moment in a registration: so long after its n-th event. Event 0 is that it is sent; then each API call is two, its arrival and its effect
/// (the edge has answered, the control plane has not heard it).
struct KillPoint {
  std::size_t event = 0;
  std::chrono::microseconds after{0};
};

/// Thread-safe. What arrives is always carried out, as by a real Cloudflare, whether or not the caller still lives.
class Gate {
 public:
  using Time = std::chrono::steady_clock::time_point;
  struct Event {
    std::string what;
    Time when;
  };

  /// Forwards to the API at `target`.
  explicit Gate(std::string target);
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;
  ~Gate();

  [[nodiscard]] std::string url() const;

  /// A registration is sent now: forgets the last one's events. Calls are its own from the creation of a tunnel on.
  void begin();
  /// The same, and `kill` runs at `point`; the future then names the event that had happened last.
  [[nodiscard]] std::future<std::string> begin(KillPoint point, std::function<void()> kill);
  /// The same at the arrival of the first call, which is then held until release().
  [[nodiscard]] std::future<std::string> begin_and_hold(std::function<void()> kill);
  void release();

  [[nodiscard]] std::vector<Event> events() const;
  /// How often the tunnels were listed so far.
  [[nodiscard]] int listings() const;

 private:
  net::Task<Result<net::ServerResponse>> pass(const net::ServerRequest& request);
  net::Task<Result<HttpResponse>> forward(const net::ServerRequest& request);
  [[nodiscard]] bool is_of_registration(const net::ServerRequest& request) const;
  void happened(std::string what);
  net::Task<void> kill_later(std::chrono::microseconds delay);
  net::Router routes();

  std::string target_;
  std::shared_ptr<HttpTransport> transport_;
  asio::io_context io_{1};
  asio::executor_work_guard<asio::io_context::executor_type> keep_{io_.get_executor()};
  net::HttpServer server_;
  net::Event released_;
  bool holding_ = false;  // of the io thread, as released_ is

  mutable std::mutex mutex_;  // for what follows
  std::vector<Event> events_;
  std::string tunnel_id_;
  int listings_ = 0;
  KillPoint point_;
  bool hold_ = false;
  std::function<void()> kill_;
  std::promise<std::string> killed_;

  std::thread thread_;
};

}  // namespace dd::trust
