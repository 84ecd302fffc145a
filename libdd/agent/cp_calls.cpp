#include "libdd/agent/cp_calls.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "libdd/agent/seed_control_plane.hpp"
#include "libdd/core/json.hpp"
#include "libdd/crypto/digest.hpp"
#include "libdd/crypto/statement.hpp"
#include "libdd/net/backoff.hpp"
#include "libdd/net/http_client.hpp"
#include "libdd/protocol/registration.hpp"

namespace dd::agent {
namespace {

// As wide as the control plane's replay window: a block lost to a restart cannot make a later number look old.
constexpr std::int64_t kBlock = 64;
// Behind each of them are calls to Cloudflare, one after the other.
constexpr std::chrono::milliseconds kDeadline{60'000};

}  // namespace

net::Task<Result<std::int64_t>> SequenceNumbers::next() {
  std::string lane = "block";
  const auto turn = co_await turns_.take(std::move(lane));
  if (left_ == 0) {
    const auto first = co_await capability_.seq(kBlock);
    if (!first) co_return wrap(first.error(), "cannot get call numbers");
    next_ = *first;
    left_ = kBlock;
  }
  --left_;
  co_return next_++;
}

std::chrono::milliseconds heeded(std::chrono::milliseconds pause, const Error& error, Random& random) {
  constexpr std::chrono::seconds kLongest{60};
  const std::chrono::milliseconds asked = std::min(error.retry_after, kLongest);
  return std::max(pause, asked + net::part_of(asked / 4, random));
}

net::Task<Result<Secret>> open_run_token(Context& context, std::string agent_id, Bytes sealed) {
  std::string tag(kRegisterTag);
  const auto token = co_await context.capability.open(std::move(tag), std::move(agent_id), std::move(sealed));
  if (!token) co_return wrap(token.error(), "cannot open the tunnel token");
  co_return Secret(std::string(as_text(*token)));
}

net::Task<Result<HttpResponse>> CpCalls::post(std::string path, std::string body) {
  if (!context_.state.membership)
    co_return fail(ErrorCode::unavailable, "cannot call the control plane: not registered yet");
  const auto number = co_await numbers_.next();
  if (!number) co_return tl::unexpected(number.error());
  const protocol::CallClaims claims{context_.cp_origin,
                                    context_.state.membership->agent_id,
                                    context_.clock.unix_seconds(),
                                    "POST",
                                    path,
                                    crypto::sha256(as_bytes(body)),
                                    *number};
  auto statement = co_await context_.capability.sign(std::string(crypto::kCallTyp), protocol::to_json_value(claims));
  if (!statement) co_return wrap(statement.error(), "cannot sign call");
  HttpRequest request;
  request.method = "POST";
  request.url = context_.cp_origin + path;
  request.headers.set("Content-Type", "application/json");
  request.headers.set(protocol::kCallHeader, *std::move(statement));
  request.body = std::move(body);
  request.deadline = kDeadline;
  auto response = co_await net::send(context_.transport, std::move(request));
  if (response && response->status != 200) co_return tl::unexpected(net::error_from(*response));
  co_return response;
}

net::Task<Result<void>> CpCalls::check() {
  if (context_.options.compat) {
    SeedControlPlane seed(context_);
    const auto listed = co_await seed.lists_us();
    if (!listed) co_return tl::unexpected(listed.error());
    if (!*listed)
      co_return fail(ErrorCode::not_found, "agent_unknown",
                     "cannot find this agent in the control plane's list any more");
    co_return Result<void>();
  }
  const auto response = co_await post("/register/check", "{}");
  if (!response) co_return wrap(response.error(), "cannot ask whether this agent is known");
  co_return Result<void>();
}

net::Task<Result<std::optional<Secret>>> CpCalls::check_tunnel() {
  const auto response = co_await post("/tunnel/check", "{}");
  if (!response) co_return tl::unexpected(response.error());
  const auto value = parse_json(response->body);
  if (!value) co_return tl::unexpected(value.error());
  auto answer = protocol::tunnel_answer_from(*value);
  if (!answer) co_return tl::unexpected(answer.error());
  std::optional<Secret> token;
  if (answer->tunnel_token_sealed) {
    auto opened = co_await open_run_token(context_, answer->agent_id, *std::move(answer->tunnel_token_sealed));
    if (!opened) co_return tl::unexpected(opened.error());
    token = *std::move(opened);
  }
  co_return token;
}

net::Task<Result<protocol::IngressAnswer>> CpCalls::replace_ingress(std::vector<Expose> extras) {
  if (!context_.state.membership)
    co_return fail(ErrorCode::unavailable, "cannot publish: not registered with the control plane yet");
  if (context_.options.compat) {
    SeedControlPlane seed(context_);
    auto replacing = seed.replace_ingress(std::move(extras));
    co_return co_await std::move(replacing);
  }
  const protocol::IngressReplace wanted{context_.state.membership->agent_id, std::move(extras)};
  const auto response = co_await post("/ingress/replace", to_text(protocol::to_json_value(wanted)));
  if (!response) co_return wrap(response.error(), "cannot publish");
  const auto value = parse_json(response->body);
  if (!value) co_return wrap(value.error(), "cannot publish");
  auto answer = protocol::ingress_answer_from(*value);
  if (!answer) co_return wrap(answer.error(), "cannot publish");
  co_return answer;
}

}  // namespace dd::agent
