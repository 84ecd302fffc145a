// The one file that includes cpprestsdk. What we do not leave to it: redirects (it forwards credentials), the total deadline (its timeout
// starts anew with each read), the size limit, the trust store, and the Host header.
#define _TURN_OFF_PLATFORM_STRING
#include "libdd/net/http_client.hpp"

#include <atomic>
#include <list>
#include <mutex>
#include <unordered_map>
#include <vector>

#include <cpprest/http_client.h>
#include <cpprest/producerconsumerstream.h>
#include <openssl/ssl.h>
#include <pplx/threadpool.h>
#include <boost/asio/steady_timer.hpp>

#include "libdd/net/ascii.hpp"
#include "libdd/net/edge_route.hpp"
#include "libdd/net/redirect.hpp"
#include "libdd/net/trust_store.hpp"

namespace dd::net {
namespace {

namespace rest = web::http;
using std::chrono::steady_clock;
using Buffer = concurrency::streams::producer_consumer_buffer<std::uint8_t>;

constexpr int kOk = 200;

/// Thrown into cpprestsdk to make it break a transfer off.
struct TooLarge : std::exception {
  [[nodiscard]] const char* what() const noexcept override { return "response over the limit"; }
};

Error too_large(std::size_t limit) {
  return {ErrorCode::too_large, "cannot receive answer: over " + std::to_string(limit) + " bytes", {}, {}};
}

bool is_sendable(const HttpRequest& request) {
  const auto is_token_char = [](char c) {
    return is_alnum(c) || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  };
  if (request.method.empty() || !std::ranges::all_of(request.method, is_token_char)) return false;
  return std::ranges::all_of(request.headers.all(), [&](const auto& header) {
    return !header.first.empty() && std::ranges::all_of(header.first, is_token_char) &&
           std::ranges::none_of(header.second, is_control);
  });
}

/// Keeps the clients that were used last.
class Clients {
 public:
  using Client = std::shared_ptr<rest::client::http_client>;

  Clients(rest::client::http_client_config config, std::size_t most)
      : config_(std::move(config)), most_(std::max<std::size_t>(most, 1)) {}

  /// Throws what cpprestsdk throws. A client that is dropped here lives on in its running requests.
  Client at(const std::string& origin) {
    const std::lock_guard lock(mutex_);
    if (const auto known = by_origin_.find(origin); known != by_origin_.end()) {
      order_.splice(order_.begin(), order_, known->second);
      return known->second->second;
    }
    order_.emplace_front(origin, std::make_shared<rest::client::http_client>(origin, config_));
    by_origin_[origin] = order_.begin();
    if (order_.size() > most_) {
      by_origin_.erase(order_.back().first);
      order_.pop_back();
    }
    return order_.front().second;
  }

 private:
  using Order = std::list<std::pair<std::string, Client>>;

  rest::client::http_client_config config_;
  std::size_t most_;
  std::mutex mutex_;
  Order order_;
  std::unordered_map<std::string, Order::iterator> by_origin_;
};

/// What all requests of a transport share.
struct Shared {
  Shared(rest::client::http_client_config config, std::size_t most, std::string agent)
      : clients(std::move(config), most), user_agent(std::move(agent)) {}

  Clients clients;
  std::string user_agent;
  EdgeRoute route;
  std::optional<Error> broken;  // options that cannot work: what every request is answered with
};

/// One request with its redirects. Owned by the callbacks that are under way; `done` is called once, by whoever is first.
class Exchange : public std::enable_shared_from_this<Exchange> {
 public:
  Exchange(std::shared_ptr<Shared> shared, HttpRequest request, HttpTransport::Done done)
      : shared_(std::move(shared)),
        request_(std::move(request)),
        done_(std::move(done)),
        timer_(crossplat::threadpool::shared_instance().service()) {}

  void start() {
    timer_.expires_after(std::min<std::chrono::milliseconds>(request_.deadline, std::chrono::hours(24)));
    auto late = "cannot finish request: no answer in " + std::to_string(request_.deadline.count()) + " ms";
    timer_.async_wait([self = shared_from_this(), late = std::move(late)](const boost::system::error_code& ec) {
      if (ec) return;
      // Not left to the cancelled request: name resolution cannot be broken off.
      self->finish(fail(ErrorCode::deadline_exceeded, late));
      self->cancel_.cancel();
    });
    attempt();
  }

 private:
  void attempt() {
    const auto url = parse_url(request_.url);
    if (!url) return finish(tl::unexpected(url.error()));
    if (!is_sendable(request_))
      return finish(fail(ErrorCode::invalid_argument, "cannot send request: bad method or header"));
    peer_ = url->origin();
    try {
      transfer(*url);
    } catch (const std::exception& e) {
      finish(fail(ErrorCode::unavailable, "cannot reach " + peer_ + ": " + e.what()));
    }
  }

  rest::http_request build(const Url& url, const std::string& connect_to) const {
    rest::http_request out(request_.method);
    out.set_request_uri(web::uri(url.target));
    if (!request_.body.empty()) {
      const auto* type = request_.headers.find("Content-Type");
      out.set_body(request_.body, type ? *type : "application/octet-stream");
    }
    for (const auto& [name, value] : request_.headers.all()) {
      const bool ours = same_ignoring_case(name, "Host") || same_ignoring_case(name, "Content-Length") ||
                        same_ignoring_case(name, "Content-Type") || same_ignoring_case(name, "Transfer-Encoding") ||
                        same_ignoring_case(name, "Connection");
      if (!ours) out.headers().add(name, value);
    }
    if (!request_.headers.find("User-Agent")) out.headers().add("User-Agent", shared_->user_agent);
    // Only where it differs: cpprestsdk takes a given Host, port and all, for the name that the certificate must carry.
    if (connect_to != url.origin()) out.headers().add("Host", url.authority());
    return out;
  }

  /// Called before each piece is stored. A count that does not grow is a chunk of negative size, which cpprestsdk lets through.
  void limit(rest::http_request& out, const Buffer& body) {
    auto check = [self = shared_from_this(), body, last = utility::size64_t{0}](
                     rest::message_direction::direction direction, utility::size64_t count) mutable {
      if (direction != rest::message_direction::download) return;
      if (count > self->most_bytes() || count < last) {
        self->over_limit_ = true;
        throw TooLarge();
      }
      last = count;
      self->empty_into_sink(body);
    };
    out.set_progress_handler(std::move(check));
  }

  /// Until the status is known (it is within the first pieces) everything may still turn out to be for the sink.
  [[nodiscard]] std::size_t most_bytes() const {
    const int status = status_;
    const bool kept = request_.sink && status != 0 && status != kOk;
    return kept ? HttpRequest::kMaxUnsunk : request_.max_response_bytes;
  }

  /// What has arrived so far. Throws when the sink wants no more.
  void empty_into_sink(Buffer body) {
    if (!request_.sink || status_ != kOk) return;
    const std::lock_guard lock(sink_mutex_);
    if (finished_) return;
    const auto rest = take_all(body);
    if (!rest.empty() && !request_.sink(rest)) throw std::runtime_error("its content is not wanted");
  }

  static std::string take_all(Buffer& body) {
    std::string bytes(body.in_avail(), '\0');
    // It is all there, so that this does not wait.
    if (!bytes.empty()) body.getn(reinterpret_cast<std::uint8_t*>(bytes.data()), bytes.size()).get();
    return bytes;
  }

  void transfer(const Url& url) {
    const auto connect_to = shared_->route.connect_to(url);
    auto out = build(url, connect_to);
    Buffer body;
    out.set_response_stream(body.create_ostream());
    status_ = 0;
    limit(out, body);
    const auto client = shared_->clients.at(connect_to);
    const auto self = shared_from_this();
    client->request(out, cancel_.get_token())
        .then([self](rest::http_response head) {
          self->status_ = head.status_code();
          if (self->request_.method != "HEAD" && head.headers().content_length() > self->most_bytes()) {
            self->cancel_.cancel();
            throw TooLarge();
          }
          return head.content_ready();
        })
        // `client` too: its connections go back to its pool.
        .then([self, client, body](pplx::task<rest::http_response> task) { self->take(task, body); });
  }

  /// Every way a transfer can end comes through here, or the task's exception would end the program.
  void take(const pplx::task<rest::http_response>& task, const Buffer& body) {
    try {
      const auto answer = task.get();
      HttpResponse response;
      response.status = answer.status_code();
      for (const auto& [name, value] : answer.headers()) response.headers.add(name, value);
      empty_into_sink(body);
      auto left = body;
      response.body = take_all(left);
      if (response.body.size() > most_bytes()) return finish(tl::unexpected(too_large(most_bytes())));
      auto next = follow_redirect(request_, response);
      if (!next) return finish(std::move(response));
      request_ = *std::move(next);
      attempt();
    } catch (const TooLarge&) {
      finish(tl::unexpected(too_large(most_bytes())));
    } catch (const std::exception& e) {
      // Of an excess and a close that come together, cpprestsdk reports either.
      if (over_limit_) return finish(tl::unexpected(too_large(most_bytes())));
      finish(fail(ErrorCode::unavailable, "cannot reach " + peer_ + ": " + e.what()));
    }
  }

  void finish(Result<HttpResponse> outcome) {
    if (finished_.exchange(true)) return;
    // A deadline comes on the other thread: what the sink writes to may go as soon as `done` is called.
    {
      const std::lock_guard last_piece(sink_mutex_);
    }
    boost::system::error_code ignored;
    timer_.cancel(ignored);
    const auto done = std::move(done_);
    done(std::move(outcome));
  }

  std::shared_ptr<Shared> shared_;
  HttpRequest request_;  // the attempt's own: never looked at by the timer
  HttpTransport::Done done_;
  std::string peer_;
  pplx::cancellation_token_source cancel_;
  boost::asio::steady_timer timer_;
  std::mutex sink_mutex_;  // held while the sink is called
  std::atomic<bool> finished_ = false;
  std::atomic<bool> over_limit_ = false;
  std::atomic<int> status_ = 0;  // 0: not answered yet
};

class CpprestTransport final : public HttpTransport {
 public:
  explicit CpprestTransport(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}

  void send(HttpRequest request, Done done) override {
    if (shared_->broken) return done(tl::unexpected(*shared_->broken));
    std::make_shared<Exchange>(shared_, std::move(request), std::move(done))->start();
  }

 private:
  std::shared_ptr<Shared> shared_;
};

void prepare_process() {
  static std::once_flag once;
  std::call_once(once, [] {
    prefer_hashed_directory();
    // Before the pool: at exit the pool's threads then end first and take their OpenSSL state with them.
    OPENSSL_init_ssl(0, nullptr);
    try {
      // Its default is 40 threads. They only shovel bytes and call us back.
      crossplat::threadpool::initialize_with_threads(2);
    } catch (const std::exception&) {
      // The embedding program has set its own size.
    }
  });
}

rest::client::http_client_config config_with(TrustStore trust) {
  rest::client::http_client_config config;
  config.set_max_redirects(0);
  config.set_timeout(std::chrono::hours(24));  // Exchange has the deadline
  config.set_ssl_context_callback([trust = std::move(trust)](boost::asio::ssl::context& context) {
    SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_2_VERSION);
    SSL_CTX_set1_cert_store(context.native_handle(), trust.get());
  });
  return config;
}

}  // namespace

std::shared_ptr<HttpTransport> make_http_transport(HttpClientOptions options) {
  prepare_process();
  auto trust = options.ca_file.empty() ? system_trust_store() : trust_store_from(options.ca_file);
  auto shared = std::make_shared<Shared>(config_with(trust ? *trust : nullptr), options.max_origins,
                                         std::move(options.user_agent));
  if (!trust) shared->broken = trust.error();
  shared->route.domain = to_lower(options.edge_domain);
  if (!options.edge_url.empty()) {
    if (auto edge = parse_url(options.edge_url))
      shared->route.edge = *std::move(edge);
    else
      shared->broken = edge.error();
  }
  return std::make_shared<CpprestTransport>(std::move(shared));
}

}  // namespace dd::net

#if defined(__SANITIZE_ADDRESS__)
// A process that ends while requests are under way leaves what cpprestsdk's pool has queued for them and not begun. Nobody waits for it any more.
extern "C" const char* __lsan_default_suppressions() { return "leak:_ScheduleFuncWithAutoInline\n"; }
#endif
