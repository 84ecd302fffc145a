// Cloudflare as a script: each step names the call that must come next and how it is answered. Time moves only by waiting for it.
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "libdd/tunnel/cloudflare.hpp"

namespace dd::test {

inline const std::string kAccount(32, 'a');
inline const std::string kZone(32, 'b');
inline const std::string kTunnelId = "11111111-2222-4333-8444-555555555555";
inline const std::string kTunnelName = "dd-test-agent-0f0e0d0c-0b0a-8900-8807-060504030201";
inline const std::string kTunnels = "/accounts/" + kAccount + "/cfd_tunnel";
inline const std::string kRecords = "/zones/" + kZone + "/dns_records";
inline const std::string kApiToken = "cfat_very-secret-token";

[[nodiscard]] inline HttpResponse answer(int status, std::string body) { return {status, {}, std::move(body)}; }
[[nodiscard]] inline HttpResponse success(const std::string& result) {
  return answer(200, R"({"success":true,"errors":[],"messages":[],"result":)" + result + "}");
}
[[nodiscard]] inline HttpResponse page(const std::string& items, std::size_t count, std::size_t total) {
  return answer(200, R"({"success":true,"result":)" + items + R"(,"result_info":{"page":1,"per_page":100,"count":)" +
                         std::to_string(count) + R"(,"total_count":)" + std::to_string(total) + "}}");
}
[[nodiscard]] inline HttpResponse failure(int status, int code, const std::string& message = "no") {
  return answer(status, R"({"success":false,"result":null,"errors":[{"code":)" + std::to_string(code) +
                            R"(,"message":")" + message + R"("}]})");
}
[[nodiscard]] inline HttpResponse throttled(const std::string& retry_after) {
  auto response = failure(429, 971);
  response.headers.set("Retry-After", retry_after);
  return response;
}
[[nodiscard]] inline tl::unexpected<Error> no_answer() {
  return fail(ErrorCode::deadline_exceeded, "cannot finish request: no answer");
}

[[nodiscard]] inline std::string tunnel_json(const std::string& name = kTunnelName, const std::string& id = kTunnelId,
                                             const std::string& more = "") {
  return R"({"id":")" + id + R"(","name":")" + name +
         R"(","status":"inactive","created_at":"2026-01-01T00:00:00Z","deleted_at":null)" + more + "}";
}
[[nodiscard]] inline std::string record_json(const std::string& name, const std::string& content,
                                             const std::string& comment, const std::string& id = std::string(32, 'c')) {
  return R"({"id":")" + id + R"(","type":"CNAME","proxied":true,"name":")" + name + R"(","content":")" + content +
         R"(","comment":")" + comment + R"("})";
}

struct Step {
  std::string call;  // "GET /path?query"
  Result<HttpResponse> reply;
  bool late = false;  // answered when the next call has come
};

class ScriptedApi final : public HttpTransport {
 public:
  explicit ScriptedApi(std::vector<Step> steps) : steps_(steps.begin(), steps.end()) {}
  ScriptedApi(const ScriptedApi&) = delete;
  ScriptedApi& operator=(const ScriptedApi&) = delete;
  ~ScriptedApi() override { CHECK_MESSAGE(steps_.empty(), "the script was not played to its end"); }

  void send(HttpRequest request, Done done) override {
    const std::string base = "https://api.test/client/v4";
    REQUIRE(request.url.starts_with(base));
    const auto call = request.method + " " + request.url.substr(base.size());
    REQUIRE_MESSAGE(!steps_.empty(), "unexpected call: ", call);
    const auto step = std::move(steps_.front());
    steps_.pop_front();
    CHECK(call == step.call);
    requests.push_back(std::move(request));
    auto waiting = std::exchange(late_, nullptr);
    if (step.late)
      late_ = [done = std::move(done), reply = step.reply] { done(reply); };
    else
      done(step.reply);
    if (waiting) waiting();
  }

  std::vector<HttpRequest> requests;

 private:
  std::deque<Step> steps_;
  std::function<void()> late_;
};

class ManualTimer final : public tunnel::Timer {
 public:
  [[nodiscard]] TimePoint now() const override { return now_; }
  net::Task<void> sleep_until(TimePoint time) override {
    slept += std::chrono::duration_cast<std::chrono::milliseconds>(time - now_);
    now_ = time;
    co_return;
  }

  std::chrono::milliseconds slept{0};

 private:
  TimePoint now_ = TimePoint(std::chrono::hours(1));
};

/// What a tunnel of ours has in the zone.
inline const std::string kTarget = kTunnelId + ".cfargotunnel.com";
inline const std::string kOwnRecords =
    "GET " + kRecords + "?type=CNAME&content.exact=" + kTarget + "&page=1&per_page=100";
inline const std::string kComment = "dd env=test tunnel=" + kTunnelName;
inline const std::string kRecordId(32, 'c');

inline HttpResponse one(const std::string& item) { return page("[" + item + "]", 1, 1); }
inline HttpResponse none() { return page("[]", 0, 0); }

/// A zone beside kZone.
struct OtherZone {
  std::string domain = {};
  std::string id = {};
};

/// A provider that talks to a script.
class Scripted {
 public:
  explicit Scripted(std::vector<Step> steps, std::chrono::milliseconds deadline = std::chrono::seconds(20),
                    OtherZone other = OtherZone())
      : api(std::make_shared<ScriptedApi>(std::move(steps))), timer(std::make_shared<ManualTimer>()) {
    tunnel::CloudflareOptions options;
    options.api_url = "https://api.test/client/v4";
    options.api_token = Secret(kApiToken);
    options.account_id = kAccount;
    options.zone_id = kZone;
    options.other_domain = std::move(other.domain);
    options.other_zone_id = std::move(other.id);
    options.env = "test";
    options.deadline = deadline;
    provider = tunnel::make_cloudflare(io.get_executor(), api, std::move(options), timer);
  }

  template <class T>
  T run(net::Task<T> task) {
    std::optional<T> value;
    std::exception_ptr thrown;
    boost::asio::co_spawn(io, std::move(task), [&](std::exception_ptr failure, T outcome) {
      thrown = failure;
      value = std::move(outcome);
    });
    io.restart();
    io.run();
    if (thrown) std::rethrow_exception(thrown);
    REQUIRE_MESSAGE(value.has_value(), "it waits for an answer that does not come");
    return *std::move(value);
  }

  boost::asio::io_context io;
  std::shared_ptr<ScriptedApi> api;
  std::shared_ptr<ManualTimer> timer;
  std::unique_ptr<tunnel::TunnelProvider> provider;
};

}  // namespace dd::test
