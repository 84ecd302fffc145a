#include "tests/integration/trust/gate.hpp"

#include <stdexcept>

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "libdd/cli/up_services.hpp"
#include "libdd/core/json.hpp"
#include "libdd/net/http_client.hpp"

namespace dd::trust {
namespace {

constexpr const char* kBase = "/client/v4";
constexpr std::chrono::milliseconds kLongestHold{30'000};

bool creates_tunnel(const net::ServerRequest& request) {
  return request.method == "POST" && request.path.ends_with("/cfd_tunnel");
}

std::string id_in(const std::string& body) {
  const auto answer = parse_json(body);
  return answer && answer->contains("result") && answer->at("result").is_object() ? answer->at("result").value("id", "")
                                                                                  : "";
}

}  // namespace

Gate::Gate(std::string target)
    : target_(target.substr(0, target.find(kBase))),
      transport_(net::make_http_transport({})),
      server_(io_.get_executor(), routes(), {}),
      released_(io_.get_executor()) {
  if (const auto started = server_.start(); !started) throw std::runtime_error(started.error().message);
  thread_ = std::thread([this] { io_.run(); });
}

Gate::~Gate() {
  io_.stop();
  thread_.join();
}

std::string Gate::url() const { return "http://127.0.0.1:" + std::to_string(server_.port()) + kBase; }

net::Router Gate::routes() {
  const auto tunnels = std::string(kBase) + "/accounts/" + cli::kUpAccount + "/cfd_tunnel";
  const auto records = std::string(kBase) + "/zones/" + cli::kUpZone + "/dns_records";
  const struct {
    const char* method;
    std::string pattern;
  } calls[] = {
      {"POST", tunnels},
      {"GET", tunnels},
      {"GET", tunnels + "/{id}"},
      {"DELETE", tunnels + "/{id}"},
      {"GET", tunnels + "/{id}/token"},
      {"DELETE", tunnels + "/{id}/connections"},
      {"PUT", tunnels + "/{id}/configurations"},
      {"GET", records},
      {"POST", records},
      {"PUT", records + "/{id}"},
      {"DELETE", records + "/{id}"},
  };
  net::Router router;
  for (const auto& call : calls)
    router.add(call.method, call.pattern, [this](const net::ServerRequest& request) { return pass(request); });
  return router;
}

void Gate::begin() { static_cast<void>(begin({}, {})); }

std::future<std::string> Gate::begin(KillPoint point, std::function<void()> kill) {
  const std::lock_guard lock(mutex_);
  events_.clear();
  tunnel_id_.clear();
  point_ = point;
  hold_ = false;
  kill_ = std::move(kill);
  killed_ = {};
  auto future = killed_.get_future();
  happened("register");
  return future;
}

std::future<std::string> Gate::begin_and_hold(std::function<void()> kill) {
  auto future = begin({.event = 1}, std::move(kill));
  const std::lock_guard lock(mutex_);
  hold_ = true;
  return future;
}

void Gate::release() {
  asio::post(io_, [this] {
    holding_ = false;
    released_.notify();
  });
}

std::vector<Gate::Event> Gate::events() const {
  const std::lock_guard lock(mutex_);
  return events_;
}

int Gate::listings() const {
  const std::lock_guard lock(mutex_);
  return listings_;
}

/// Polls and sweeps of other agents pass by at the same time.
bool Gate::is_of_registration(const net::ServerRequest& request) const {
  if (creates_tunnel(request)) return true;
  return !tunnel_id_.empty() && (request.target + request.body).find(tunnel_id_) != std::string::npos;
}

void Gate::happened(std::string what) {
  events_.push_back({std::move(what), std::chrono::steady_clock::now()});
  if (kill_ && events_.size() == point_.event + 1) net::spawn(io_.get_executor(), kill_later(point_.after), "kill");
}

net::Task<void> Gate::kill_later(std::chrono::microseconds delay) {
  asio::steady_timer timer(io_, delay);
  co_await timer.async_wait(asio::use_awaitable);
  const std::lock_guard lock(mutex_);
  std::exchange(kill_, {})();
  killed_.set_value(events_.back().what);
}

net::Task<Result<HttpResponse>> Gate::forward(const net::ServerRequest& request) {
  HttpRequest onward;
  onward.method = request.method;
  onward.url = target_ + request.target;
  for (const char* name : {"Authorization", "Content-Type"})
    if (const auto* value = request.headers.find(name); value != nullptr) onward.headers.set(name, *value);
  onward.body = request.body;
  co_return co_await net::send(*transport_, std::move(onward));
}

net::Task<Result<net::ServerResponse>> Gate::pass(const net::ServerRequest& request) {
  bool ours = false;
  {
    const std::lock_guard lock(mutex_);
    if (request.query_value("include_prefix")) ++listings_;
    ours = is_of_registration(request);
    if (ours) happened(request.method + " " + request.path.substr(request.path.rfind('/') + 1) + " arrives");
    if (ours && std::exchange(hold_, false)) holding_ = true;
  }
  if (ours && holding_) co_await released_.wait(kLongestHold);
  const auto answer = co_await forward(request);
  if (!answer) co_return tl::unexpected(answer.error());
  if (ours) {
    const std::lock_guard lock(mutex_);
    if (creates_tunnel(request)) tunnel_id_ = id_in(answer->body);
    happened(request.method + " " + request.path.substr(request.path.rfind('/') + 1) + " done");
  }
  co_return net::json_response(answer->body, answer->status);
}

}  // namespace dd::trust
